"""A seeded world: people write, poll, follow and watch one node while its store misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, NamedTuple

from sim_node import Node, Parts
from sim_reader import Reader
from sim_stage import OWNER, PEOPLE, Stage
from sim_store import FlakyStore, Weather

from room.actor import Actor
from room.commands import Envelope, read_request
from room.errors import SeatsyncError, Unavailable
from store.backend import Backend
from store.bus import LocalBus
from store.leases import LocalLeases

LONGEST_VIDEO_DELAY_S: Final = 4.0
SETTLE_S: Final = 11.0
"""The last long pause ends in 3 s; two polls bring what is new; the video is 4 s late."""

COMMANDS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("seat.take", {"seat_index": -1}),
    ("seat.take", {"seat_index": -1}),
    ("seat.leave", {}),
    ("mic.set", {"on": True}),
    ("mic.set", {"on": False}),
    ("seat.lock", {"seat_index": 1}),
    ("seat.unlock", {"seat_index": "all"}),
    ("user.mute", {"user_id": "ann"}),
    ("user.unmute", {"user_id": "ann"}),
    ("session.end", {}),
    ("session.start", {}),
)


class Scenario(NamedTuple):
    """What may happen in a world; which of it does comes from the seed."""

    cached_rooms: int = 100
    """Rooms that the poller holds; 1 in a world of two makes it forget all the time."""
    behind_its_back: bool = False
    """The store may change without the node: lost replies, and a new epoch under a live node."""
    ahead_of_creation: bool = False
    """Polls that claim a position nobody has seen may come while the room is being created."""
    is_strict: bool = True
    """Whether a connection must be level with what was acked, and its policy the one in force."""


NORMAL: Final = Scenario()
FORGETFUL: Final = Scenario(cached_rooms=1, is_strict=False)


def scenario_of(seed: int) -> Scenario:
    """Give the world of a seed: every fifth has a node that can hold one room of two."""
    return FORGETFUL if seed % 5 == 4 else NORMAL


class World(Stage):
    """One node."""

    def __init__(self, seed: int, scenario: Scenario, parts: Parts) -> None:
        super().__init__(seed, parts)
        self._scenario = scenario
        self.is_strict = scenario.is_strict
        self._weather = Weather(self._rng)
        self._rooms = ("one", "two")[: self._rng.choice((1, 2)) if scenario.cached_rooms > 1 else 2]
        self._rooms_come_first = self._rng.random() < 0.5
        claims = self._rooms_come_first or scenario.ahead_of_creation
        self._ahead_rate = 0.05 if claims else 0.0

    async def _main(self) -> None:
        self._node = self._new_node()
        if self._rooms_come_first:
            await self._create_all()
        async with asyncio.TaskGroup() as group:
            acting = [group.create_task(work) for work in self._actors()]
            for reading in self._reading():
                group.create_task(reading)
            await asyncio.wait(acting)
            await self._settle()
            self._over = True
        await self._node.check_left_clean()
        self._node.check_reads()

    def _pick_node(self, reader: Reader) -> Node:
        return self._node

    def _actors(self) -> list[Coroutine[Any, Any, None]]:
        actors = [
            self._write(room) for room in self._rooms for _ in range(self._rng.choice((1, 2)))
        ]
        chats = [self._chat(room) for room in self._rooms]
        return [*actors, *chats, self._go_away(), *self._surprises()]

    def _surprises(self) -> list[Coroutine[Any, Any, None]]:
        if self._scenario.behind_its_back:
            self._weather.lost_reply_rate = self._rng.choice((0.0, 0.2))
            return [self._raise_epoch()] if self._rng.random() < 0.5 else []
        return [self._restart()] if self._rng.random() < 0.3 else []

    def _reading(self) -> list[Coroutine[Any, Any, None]]:
        """Some rooms are followed alone: there no poll brings what a push has missed."""
        work: list[Coroutine[Any, Any, None]] = []
        for room in self._rooms:
            work.append(self._keep_following(self._reader("pushed", room)))
            if self._rng.random() < 0.2:
                continue
            mixed = self._reader("mixed", room)
            work += [self._keep_polling(self._reader("polls", room)), self._keep_polling(mixed)]
            work += [self._watch(self._reader("watches", room)), self._watch(mixed)]
            work.append(self._keep_following(mixed))
        return work

    def _new_node(self) -> Node:
        self._store = FlakyStore(self._disk, self._weather)
        backend = Backend(self._store, LocalLeases(self._now_ms), LocalBus())
        cached_rooms = self._scenario.cached_rooms
        return Node("n", backend, self._parts, self._referee, self._rng, cached_rooms=cached_rooms)

    # Writers

    async def _write(self, room: str) -> None:
        await self._pause(self._rng.choice((0.01, 1.0)))
        await self._persist(room, OWNER, "session.start", {})
        for _ in range(self._rng.randint(1, 6)):
            await self._pause(self._rng.choice((0.001, 0.2, 1.5)))
            name, args = self._rng.choice(COMMANDS)
            await self._persist(room, self._rng.choice(PEOPLE), name, args)

    async def _persist(self, room: str, actor: Actor, name: str, args: dict[str, Any]) -> None:
        """Send a command and, where nobody answers, now and then send it again."""
        cmd_id = f"c{self._rng.random()}"
        request = read_request(Envelope(name, cmd_id, args))
        for _ in range(3):
            node = self._node
            try:
                if name == "session.start":
                    await self._risk(node.create(room, OWNER), 0.1)
                await self._risk(node.execute(room, actor, request), 0.3)
            except Unavailable:
                await self._pause(0.3)
            except SeatsyncError as refusal:
                return self._referee.saw("refused", name, refusal.code)
            else:
                return None
        return None

    async def _chat(self, room: str) -> None:
        """Say something to the whole room, now and then."""
        for number in range(self._rng.choice((0, 3, 10))):
            await self._pause(self._rng.choice((0.001, 0.5)))
            message = b'{"type":"online","room":"%s","count":%d}' % (room.encode(), number)
            self._node.audience.say(room, "online", message)

    # What goes wrong

    async def _go_away(self) -> None:
        for _ in range(self._rng.choice((0, 1, 2))):
            await self._pause(2.0)
            self._weather.away = True
            await self._pause(self._rng.choice((0.5, 4.0)))
            self._weather.away = False

    async def _restart(self) -> None:
        """The node ends and another takes its place, on a store reopened with a higher epoch."""
        await self._pause(2.0)
        old = self._node
        await self._store.close()
        self._disk.raise_epoch(lost=self._rng.choice((0, 0, 1, 2)))
        self._node = self._new_node()
        self._referee.saw("restart")
        await old.connections.drain(0.5, (0, 500), self._rng)

    async def _raise_epoch(self) -> None:
        await self._pause(2.0)
        self._disk.raise_epoch(lost=0)
        self._referee.saw("epoch raised")

    # Viewers

    async def _watch(self, reader: Reader) -> None:
        """The relay polls and writes what it gets into the video; viewers see it late."""
        while not self._over:
            await self._pause(1.0)
            edition = await self._risk(self._node.poll(reader.room, None), 0.0)
            if edition is not None and not self._over:
                delay_s = self._rng.uniform(0.2, LONGEST_VIDEO_DELAY_S)
                snapshot = edition.view("anonymous")
                self._loop.call_later(delay_s, reader.receive, snapshot, "sei")

    # The end

    async def _settle(self) -> None:
        """Writes stop, the store is well; after a while everybody stands where it stands."""
        self._calm = True
        self._weather.calm()
        await self._node.tasks.settle()  # commands whose senders have left
        await self._create_all()
        if self._scenario.behind_its_back:
            for room in self._rooms:
                await self._touch(room)
        await asyncio.sleep(SETTLE_S)
        for reader in self._readers:
            self._check_converged(reader)

    async def _create_all(self) -> None:
        """Create what is not there; asking again for what is there would push it again."""
        for room in self._rooms:
            if self._disk.holds(room):
                continue
            try:
                await self._node.create(room, OWNER)
            except Unavailable:
                self._referee.saw("not created", room)
                self._ahead_rate *= self._scenario.ahead_of_creation

    async def _touch(self, room: str) -> None:
        """Make a last change, through the node, by which it sees what happened without it."""
        for name in ("session.end", "session.start"):
            request = read_request(Envelope(name, f"last.{name}", {}))
            try:
                await self._node.execute(room, OWNER, request)
            except SeatsyncError as refusal:
                self._referee.saw("refused", name, refusal.code)


def run(seed: int, scenario: Scenario | None = None, parts: Parts | None = None) -> int:
    """Run the schedule of one seed; by default in its own world, with the real parts.

    Returns:
        the steps it took.

    Raises:
        RuleBroken: a rule did not hold.
    """
    return World(seed, scenario or scenario_of(seed), parts or Parts()).run()
