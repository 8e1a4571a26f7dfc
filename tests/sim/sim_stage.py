"""What every seeded world has: a loop, a referee, a disk, and people who read."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from sim_loop import SimulatedLoop, Stuck
from sim_node import START_MS, Node, Parts
from sim_reader import Reader
from sim_referee import Referee
from sim_store import Commit, Disk
from sim_wire import Wire

from gateway.push.mailbox import Key
from gateway.tokens.bearer import ANONYMOUS, Bearer
from room.actor import Actor
from room.errors import SeatsyncError
from room.messages import Bye
from room.policy import allowed_commands
from room.position import LARGEST, Position
from room.snapshot import Snapshot

T = TypeVar("T")

OWNER: Final = Actor("owner")
PEOPLE: Final = (OWNER, Actor("ann"), Actor("bob"))


class Stage:
    """Runs one schedule; a world says what happens in it."""

    is_strict = True
    """Whether a connection must be level with what was acked, and its policy the one in force."""

    def __init__(self, seed: int, parts: Parts) -> None:
        self._rng = random.Random(seed)
        self._loop = SimulatedLoop(random.Random(self._rng.random()))
        self._referee = Referee(seed, self._loop.time)
        self._parts = parts
        self._disk = Disk(self._now_ms, self._on_commit)
        self._readers: list[Reader] = []
        self._ahead_rate = 0.0
        self._calm = self._over = False

    def run(self) -> int:
        """Run to the end.

        Returns:
            the steps it took.

        Raises:
            RuleBroken: a rule did not hold.
        """
        try:
            self._loop.run(self._main())
        except Stuck as stuck:
            self._referee.broken(f"the world goes on: {stuck}")
        for context in self._loop.unexpected:
            self._referee.broken("no unexpected error", context)
        self._referee.judge()
        return self._loop.steps

    async def _main(self) -> None:
        raise NotImplementedError

    def _pick_node(self, reader: Reader) -> Node:
        """Give the node that a reader asks next."""
        raise NotImplementedError

    def _on_commit(self, commit: Commit) -> None:
        """Look at what was committed: whatever somebody gained is owed to one kept command.

        A key is kept once; so what it brought about came about once.
        """
        before, (after, acks) = commit.before, (commit.write.stored, commit.write.acks)
        named = [ack.receipt.result for ack in acks if ack.receipt.changed]
        stays = {stay.get("participation_id") for stay in named}
        gained = set(_stays(after.state)) - set(_stays(before.state))
        waiting = {item.request_id for item in after.requests.items}
        gained_requests = waiting - {item.request_id for item in before.requests.items}
        asked = {stay.get("request_id") for stay in named}
        rule = "a command is applied once"
        self._referee.check(gained <= stays, rule, gained, stays)
        self._referee.check(gained_requests <= asked, rule, gained_requests, asked)

    def _now_ms(self) -> int:
        return START_MS + int(self._loop.time() * 1000)

    def _reader(
        self, name: str, room: str, docs: tuple[str, ...] = ("state",), who: Bearer | None = None
    ) -> Reader:
        bearer = who or self._rng.choice((ANONYMOUS, *(Bearer(actor) for actor in PEOPLE)))
        reconciler = self._parts.reconciler()
        reader = Reader(f"{name}@{room}", room, bearer, reconciler, self._referee, docs)
        self._readers.append(reader)
        return reader

    async def _pause(self, mean_s: float) -> None:
        pause_s = self._rng.expovariate(1 / mean_s)
        await asyncio.sleep(min(pause_s, 1.0 if self._calm else 3.0))

    async def _until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that takes half a minute at most."""
        for _ in range(3_000):
            if holds():
                return
            await asyncio.sleep(0.01)
        self._referee.broken("the world goes on: what was waited for did not come")

    async def _risk(self, call: Coroutine[Any, Any, T], give_up_rate: float) -> T | None:
        """Make a call whose caller may lose patience; nobody else may end it."""
        if self._calm or self._rng.random() >= give_up_rate:
            try:
                return await call
            except asyncio.CancelledError:
                self._referee.broken("nobody is cancelled for another")
                raise
        task = self._loop.create_task(call)
        gave_up = False

        def give_up() -> None:
            nonlocal gave_up
            gave_up = task.cancel()

        patience_s = self._rng.expovariate(1 / self._rng.choice((0.001, 0.05, 0.5)))
        self._loop.call_later(patience_s, give_up)
        await asyncio.wait({task})
        if task.cancelled():
            self._referee.check(gave_up, "nobody is cancelled for another")
            return None
        return task.result()

    # Readers

    async def _keep_polling(self, reader: Reader) -> None:
        while not self._over:
            await self._pause(0.8 if self._calm else self._rng.choice((0.02, 0.8)))
            for doc in reader.docs:
                if doc != "requests":
                    await self._risk(self._poll(reader, doc), 0.3)

    async def _poll(self, reader: Reader, doc: str) -> None:
        after = reader.at(doc)
        if self._rng.random() < self._ahead_rate:
            after = Position(LARGEST, 0)
        edition = await self._pick_node(reader).poll(reader.room, after, doc)
        if edition is None or (after is not None and edition.position <= after):
            return
        if not self._calm:
            await self._pause(0.2)
        reader.receive(edition.view(reader.bearer.view), "poll")

    async def _keep_following(self, reader: Reader) -> None:
        while not self._over:
            try:
                await self._risk(self._follow(self._pick_node(reader), reader), 0.3)
            except SeatsyncError as error:
                self._referee.saw(reader.name, "turned away", error.code)
            await self._pause(0.4)

    async def _follow(self, node: Node, reader: Reader) -> None:
        """One connection, from welcome to its end."""
        have = reader.have()
        home = reader.room if self._rng.random() < 0.7 else None
        try:
            with node.wire(reader.bearer, home, self._rng) as wire:
                await wire.begin(reader.docs, have)
                if self._rng.random() < 0.5:
                    wire.join()
                if home is None:
                    await wire.subscribe(reader.room, reader.docs, have)
                if wire.transport is None:
                    wire.join()
                reader.begin(wire, self._now_ms())
                await self._drain(node, reader, wire)
        finally:
            reader.end()

    async def _drain(self, node: Node, reader: Reader, wire: Wire) -> None:
        """Read what comes, at the speed of this reader."""
        sent = 0
        items_left = self._rng.choice((3, 10, 1000))
        while not self._over and (self._calm or sent < items_left):
            item = await wire.next(within_s=self._rng.uniform(0.5, 3.0))
            if isinstance(item, Bye):
                return
            if item is None and self.is_strict:
                node.check_sent(wire)
            if isinstance(item, Snapshot):
                reader.receive(item, "ws")
            elif item is not None:
                heard = reader.hear(item.body)
                self._referee.check((heard["type"] == "welcome") == (not sent), "welcome first")
                if heard["type"] == "error" and heard.get("doc") != "requests":
                    return
            sent += item is not None
            if not self._calm and self._rng.random() < 0.3:
                await self._pause(self._rng.choice((0.01, 0.6)))
            if not self._calm and self._rng.random() < 0.1:
                await self._subscribe_again(reader, wire)

    async def _subscribe_again(self, reader: Reader, wire: Wire) -> None:
        """Ask for everything once more, now and then after a time without any of it."""
        leaves = self._rng.random() < 0.5
        if leaves:
            await wire.unsubscribe(reader.room)
            await self._pause(0.01)
        have = reader.have() if self._rng.random() < 0.5 else {}
        await wire.subscribe(reader.room, reader.docs, have)
        if leaves:
            reader.begin(wire, self._now_ms())

    # The end

    def _check_converged(self, reader: Reader) -> None:
        check = self._referee.check
        for doc in self._docs_in_force(reader):
            final = self._disk.document(reader.room, doc)
            if final is None:
                continue
            at, rule = reader.at(doc), "every reader ends at the final position"
            check(at == final.position, rule, reader.name, doc, at, final.position)
            if doc in reader.shown:
                self._referee.check_body(final.view(reader.shown[doc][1]))
        if reader.policy is not None and self.is_strict:
            commands = allowed_commands(self._disk.final(reader.room).state, reader.bearer.actor)
            check(reader.policy == commands, "the last policy heard is in force", reader.name)

    def _docs_in_force(self, reader: Reader) -> tuple[str, ...]:
        """Name what a reader is to be level with: of requests, what their connection follows."""
        return tuple(doc for doc in reader.docs if doc != "requests" or self._follows(reader, doc))

    def _follows(self, reader: Reader, doc: str) -> bool:
        """Tell whether the connection of a reader follows a document; roles come and go."""
        return reader.wire is not None and reader.wire.follows(Key(reader.room, doc))


def _stays(state: Any) -> list[str]:
    return [seat.occupant.participation_id for seat in state.seats if seat.occupant is not None]
