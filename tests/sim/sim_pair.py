"""Two nodes on one disk, told of each other's commits by a bus that can't be relied upon."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, Final

from sim_bus import Air
from sim_node import Node, Parts
from sim_reader import Reader
from sim_stage import OWNER, Stage
from sim_store import FlakyLeases, FlakyStore, Weather

from gateway.push.mailbox import Key, Line
from room.actor import Actor
from room.commands import Envelope, Request, read_request
from room.errors import SeatsyncError, Unavailable
from room.messages import Ack
from store.backend import Backend
from store.leases import LocalLeases
from store.port import CommandKey

NAMES: Final = ("a", "b")
COMPARED_S: Final = 5.0 * 1.2 + 1.5
"""The longest pause of the comparison, and a calm read."""


class Pair(Stage):
    """Nodes come and go; what was acked by one of them holds on both."""

    def __init__(self, seed: int, parts: Parts) -> None:
        super().__init__(seed, parts)
        self._air = Air(self._rng)
        self._leases = LocalLeases(self._now_ms)
        self._rooms: tuple[str, ...] = ("one",)
        self._weathers: dict[str, Weather] = {name: Weather(self._rng) for name in NAMES}
        self._nodes: dict[str, Node] = {}
        self._ended: list[Node] = []
        self._loops: dict[Node, asyncio.Task[None]] = {}
        self._homes: dict[Reader, str | None] = {}
        self._acks: dict[tuple[str, CommandKey], Ack] = {}

    async def _main(self) -> None:
        for name in NAMES:
            self._begin(name)
        await self._create_all()
        async with asyncio.TaskGroup() as group:
            acting = [group.create_task(work) for work in self._actors()]
            for reading in self._reading():
                group.create_task(reading)
            await asyncio.wait(acting)
            await self._settle()
            self._over = True
        for node in (*self._nodes.values(), *self._ended):
            await self._stop(node)
            await node.check_left_clean()

    def _actors(self) -> list[Coroutine[Any, Any, None]]:
        """Say who acts until the end is near."""
        raise NotImplementedError

    def _reading(self) -> list[Coroutine[Any, Any, None]]:
        """Say who reads until the end."""
        raise NotImplementedError

    async def _settle(self) -> None:
        raise NotImplementedError

    async def _run(self, node: Node) -> None:
        """Run the loops of a node that matter here."""
        await node.watch.run()

    # Nodes

    def _begin(self, name: str) -> Node:
        weather = self._weathers[name]
        backend = Backend(
            FlakyStore(self._disk, weather),
            FlakyLeases(self._leases, weather),
            self._parts.antenna(self._air, name, weather),
        )
        rng = random.Random(self._rng.random())
        node = Node(name, backend, self._parts, self._referee, rng)
        self._nodes[name] = node
        self._loops[node] = self._loop.create_task(self._run(node))
        return node

    async def _stop(self, node: Node) -> None:
        loops = self._loops.pop(node, None)
        if loops is not None:
            loops.cancel()
            await asyncio.wait({loops})
            ended_well = loops.cancelled()
            self._referee.check(ended_well, "the loops of a node run until they are stopped")

    async def _restart(self, name: str) -> None:
        """A node ends and another takes its place."""
        old = self._nodes[name]
        store: Any = old.backend.store
        leases: Any = old.backend.leases
        await store.close()
        leases.closed = True
        await self._stop(old)
        self._ended.append(old)
        self._begin(name)
        self._referee.saw("restart", name)
        await old.connections.drain(0.5, (0, 500), self._rng)

    async def _finish_writes(self) -> None:
        """Wait for the commands whose senders have left."""
        for node in (*self._nodes.values(), *self._ended):
            await self._until(lambda node=node: not _is_writing(node))  # type: ignore[misc]

    def _pick_node(self, reader: Reader) -> Node:
        name = self._homes.get(reader) or self._rng.choice(NAMES)
        return self._nodes[name]

    def _any_node(self) -> Node:
        return self._nodes[self._rng.choice(NAMES)]

    # Commands

    async def _create_all(self) -> None:
        for room in self._rooms:
            while not self._disk.holds(room):
                try:
                    await self._any_node().create(room, OWNER)
                except Unavailable:
                    await self._pause(0.3)

    async def _send(
        self, room: str, actor: Actor, name: str, give_up_rate: float = 0.2, **args: Any
    ) -> Ack | None:
        """Send a command; where nobody answers, send it again, to either node."""
        request = self._request(name, **args)
        for _ in range(4):
            try:
                call = self._execute(room, actor, request)
                ack = await self._risk(call, give_up_rate)
            except Unavailable:
                await self._pause(0.3)
            except SeatsyncError as refusal:
                self._referee.saw("refused", name, refusal.code)
                return None
            else:
                if ack is not None and self._rng.random() < 0.9:
                    return ack
        return None

    def _request(self, name: str, **args: Any) -> Request:
        return read_request(Envelope(name, f"c{self._rng.random()}", args))

    async def _execute(self, room: str, actor: Actor, request: Request) -> Ack:
        """Send it once; a refusal is the store's word, and a second ack is the first one."""
        node, began_at = self._any_node(), self._disk.final(room).position
        self._referee.saw("send", node.name, room, actor.user_id, request.name)
        try:
            ack = await node.execute(room, actor, request)
        except SeatsyncError as refusal:
            at = refusal.position
            rule = "a refusal is the word of the store"
            self._referee.check(at is None or at >= began_at, rule, request.name, at, began_at)
            raise
        key = (room, CommandKey(actor.user_id, request.cmd_id))
        first = self._acks.setdefault(key, ack)
        same = first == ack or key in self._disk.lost
        self._referee.check(same, "a command has one ack", request.name, first, ack)
        self._acks[key] = ack
        return ack

    # What must hold when all is calm

    def _check_durable(self) -> None:
        """What was acked is kept, unless the store itself lost it."""
        for (room, key), ack in self._acks.items():
            kept = self._disk.keeps(room, key) or (room, key) in self._disk.lost
            self._referee.check(kept, "what was acked is durable", room, key, ack)

    def _check_level(self, *nodes: Node) -> None:
        """Every node holds what the store holds, of all that is followed there, and has sent it."""
        for node in nodes or self._nodes.values():
            for key in node.hub.followed():
                final = self._disk.document(*key)
                if final is None:
                    continue
                held = node.held(Key(*key))
                level = held is not None and held.position == final.position
                rule = "a node is level with the store"
                self._referee.check(level, rule, node.name, *key, held and held.position)
                for line in node.hub.followers(key):
                    given = line.newest if isinstance(line, Line) else None
                    offered = given == final.position
                    self._referee.check(offered, rule, node.name, *key, given, final.position)

    def _check_requests_heard(self) -> None:
        """Both parties heard how each request ended, if they were connected then."""
        for reader in self._readers:
            if reader.wire is None or reader.bearer.actor is None or not self._disk.is_intact:
                continue
            final = self._disk.final(reader.room)
            for ended in final.requests.ended:
                request = ended.request
                applicant = request.person.user_id
                other = final.state.owner_id if request.kind == "apply" else request.by
                if reader.bearer.actor.user_id not in (applicant, other):
                    continue
                if ended.at_ms <= reader.connected_at_ms:
                    continue
                heard = reader.requests.get(request.request_id)
                rule = "parties of a request hear its outcome"
                facts = (reader.name, request.request_id, heard, ended.outcome)
                self._referee.check(heard == ended.outcome, rule, *facts)


def _is_writing(node: Node) -> bool:
    store: Any = node.backend.store
    return bool(len(node.committer) or store.writes)
