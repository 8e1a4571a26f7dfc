"""Rooms, nodes and clocks that the tests of presence share."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.loop.tasks import Tasks
from gateway.presence import Occupied, PresenceLoops, Quiet, Tenure
from gateway.presence.ports import SystemCommand
from poller import Found
from poller.cache import Freshness
from room.actor import SYSTEM, Actor
from room.commands import Command, SeatLeave, SeatTake
from room.documents import Participation, Person, Requests, Seat, Session, State
from room.errors import RoomNotFound, SeatsyncError, Unavailable
from room.position import Position
from room.rules import Context, reduce
from room.snapshot import Edition, Stored
from store.bus import Notice, Voices
from store.leases import Lapse, Leases, LocalLeases, Seated

EPOCH = 1_732_146_400_123
LEASE_MS = 15_000
GRACE_MS = 20_000


class Clock:
    """Wall clock and monotonic clock in one, in ms."""

    def __init__(self) -> None:
        self.now_ms = EPOCH

    def __call__(self) -> int:
        return self.now_ms

    def pass_ms(self, ms: int) -> None:
        self.now_ms += ms


class People:
    """An audience: who is connected, and what each room was told."""

    def __init__(self) -> None:
        self.connected: Counter[tuple[str, str]] = Counter()
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def enter(self, room: str, user_id: str) -> None:
        self.connected[room, user_id] += 1

    def leave(self, room: str, user_id: str) -> None:
        self.connected[room, user_id] -= 1
        self.connected += Counter()

    def is_present(self, room: str, user_id: str) -> bool:
        return (room, user_id) in self.connected

    def count(self, room: str) -> int:
        return sum(n for (where, _), n in self.connected.items() if where == room)

    def rooms(self) -> Sequence[str]:
        return sorted({room for room, _ in self.connected})

    def say(self, room: str, slot: str, message: bytes) -> None:
        self.said.append((room, slot, json.loads(message)))

    def heard(self, room: str = "demo") -> list[dict[str, Any]]:
        """Give what a room was told, and forget it."""
        messages = [message for where, _, message in self.said if where == room]
        self.said = [item for item in self.said if item[0] != room]
        return messages


class SharedLeases:
    """Leases of a store that may be away, with a note of every call."""

    def __init__(self, clock: Clock) -> None:
        self.inner: Leases = LocalLeases(clock)
        self.away = False
        self.calls: list[tuple[str, list[Seated]]] = []

    def of(self, name: str) -> list[Seated]:
        """Give everybody that a method was called for."""
        return [one for called, some in self.calls if called == name for one in some]

    def _note(self, name: str, some: Sequence[Seated] = ()) -> None:
        if self.away:
            raise Unavailable("the store does not answer")
        self.calls.append((name, list(some)))

    async def renew(self, present: Sequence[Seated], lease_ms: int) -> None:
        self._note("renew", present)
        await self.inner.renew(present, lease_ms)

    async def ensure(self, seated: Sequence[Seated], lease_ms: int) -> None:
        self._note("ensure", seated)
        await self.inner.ensure(seated, lease_ms)

    async def stop(self, gone: Sequence[Seated]) -> None:
        self._note("stop", gone)
        await self.inner.stop(gone)

    async def lapsed(self, limit: int = 1000) -> list[Lapse]:
        self._note("lapsed")
        return await self.inner.lapsed(limit)

    async def claim(self, user_id: str, room: str, lease_ms: int) -> str | None:
        self._note("claim", [Seated(room, user_id)])
        return await self.inner.claim(user_id, room, lease_ms)

    async def release(self, user_id: str, room: str) -> None:
        self._note("release", [Seated(room, user_id)])
        await self.inner.release(user_id, room)


class Wire:
    """A bus that keeps what it is given and adds other nodes' connections."""

    def __init__(self) -> None:
        self.away = False
        self.spoken: list[Voices] = []
        self.counted: list[dict[str, int]] = []
        self.elsewhere: Counter[str] = Counter()

    async def run(self, listener: Any) -> None:
        """Nothing comes by itself."""

    async def notify(self, notice: Notice) -> None:
        """Nobody to tell."""

    async def speak(self, voices: Voices) -> None:
        if self.away:
            raise Unavailable("the store does not answer")
        self.spoken.append(voices)

    async def count(self, node: str, online: Mapping[str, int]) -> dict[str, int]:
        if self.away:
            raise Unavailable("the store does not answer")
        self.counted.append(dict(online))
        return {room: count + self.elsewhere[room] for room, count in online.items()}


class World:
    """The rooms that all nodes share, and their store's leases."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.leases = SharedLeases(self.clock)
        self.rooms: dict[str, Stored] = {}
        self.nodes: list[Node] = []
        self.errors: dict[str, BaseException] = {}
        """Raised by whatever is asked of these rooms."""
        self.applied: list[tuple[str, SystemCommand]] = []
        self.changed: list[SystemCommand] = []
        self._ids = itertools.count(1)

    def open(self, room: str = "demo", seats: int = 5, **state: Any) -> None:
        """Put a live session in a room."""
        live = State(
            "owner", session=Session("s_1", "voice", EPOCH), seats=(Seat(),) * seats, **state
        )
        self.rooms[room] = Stored(room, live, Position(EPOCH, 1), EPOCH)

    def stays(self, room: str = "demo") -> dict[str, Participation]:
        """Give who sits in a room."""
        seats = self.rooms[room].state.seats
        return {s.occupant.person.user_id: s.occupant for s in seats if s.occupant is not None}

    def commit(self, room: str, actor: Actor, command: Command) -> bool:
        """Carry a command out and let every node that holds the room know."""
        if room in self.errors:
            raise self.errors[room]
        if room not in self.rooms:
            raise RoomNotFound(room)
        stored = self.rooms[room]
        context = Context(actor, self.clock(), lambda: f"{next(self._ids)}", stored.requests)
        change = reduce(stored.state, command, context)
        if change.state == stored.state and change.requests is None:
            return False
        self.put(room, change.state, change.requests)
        return True

    def put(self, room: str, state: State, requests: Requests | None = None) -> None:
        """Let a room become something."""
        stored = self.rooms[room]
        position = Position(EPOCH, stored.position.version + 1)
        kept = stored.requests if requests is None else requests
        self.rooms[room] = Stored(room, state, position, self.clock(), requests=kept)
        for node in self.nodes:
            if room in node.held:
                node.learn(room)


class Node:
    """One node: its parts, driven step by step; itself the rooms that presence sees."""

    def __init__(self, world: World, name: str = "n1", *, single_room_seat: bool = False) -> None:
        self.world = world
        self.held: dict[str, Edition] = {}
        self.people = People()
        self.wire = Wire()
        self.tasks = Tasks()
        self.occupied = Occupied()
        self.quiet = Quiet(world.clock)
        self.slept: list[float] = []
        self.found: list[str] = []
        """Rooms that were asked for."""
        self.tenure = Tenure(
            world.leases,
            self.occupied,
            self.quiet,
            poll_interval_ms=lambda: 3000,
            single_room_seat=single_room_seat,
        )
        self.loops = PresenceLoops(
            self.tenure,
            self.occupied,
            self.wire,
            self,
            self.people,
            self.tasks,
            node=name,
            clock_ms=world.clock,
            monotonic_ms=world.clock,
            rng=random.Random(7),
            sleep=self.sleep,
        )
        world.nodes.append(self)

    async def sleep(self, seconds: float) -> None:
        """Time passes as slowly as the loop turns."""
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def learn(self, room: str) -> None:
        """Hold the newest edition of a room."""
        before, self.held[room] = self.held.get(room), Edition(self.world.rooms[room])
        self.loops.observe(self.held[room], before)

    async def find(self, room: str) -> Found[Edition]:
        self.found.append(room)
        if room in self.world.errors:
            raise self.world.errors[room]
        if room not in self.world.rooms:
            raise RoomNotFound(room)
        if room not in self.held:
            self.learn(room)
        return Found(self.held[room], Freshness.HIT, 0.0)

    async def apply(self, room: str, command: SystemCommand) -> bool:
        self.world.applied.append((room, command))
        changed = self.world.commit(room, SYSTEM, command)
        if changed:
            self.world.changed.append(command)
        return changed

    async def take(self, user_id: str, room: str = "demo", seat_index: int = -1) -> None:
        """Take a seat the way the committer does it."""
        await self.find(room)
        await self.tenure.claim(room, user_id)
        try:
            self.world.commit(room, Actor(user_id), SeatTake(seat_index=seat_index))
        except SeatsyncError:
            await self.tenure.unclaim(room, user_id)
            raise

    async def stand_up(self, user_id: str, room: str = "demo") -> None:
        """Leave a seat the way the committer does it."""
        await self.find(room)
        self.world.commit(room, Actor(user_id), SeatLeave())
        await self.tenure.unclaim(room, user_id)

    async def live(self, ms: int) -> None:
        """Let time pass, with keeper and reaper at their pace."""
        for _ in range(ms // 1000):
            self.world.clock.pass_ms(1000)
            second = (self.world.clock() - EPOCH) // 1000
            if second % 5 == 0:
                await self.loops.keeper.step()
            if second % 2 == 0:
                await self.loops.reaper.step()


def seated_state(*user_ids: str, lost: Sequence[str] = (), **fields: Any) -> State:
    """A live session with these on its seats, in order; ``-`` leaves one empty."""
    seats = tuple(
        Seat()
        if user_id == "-"
        else Seat(
            occupant=Participation(
                f"p_{user_id}",
                Person(user_id, user_id, ""),
                EPOCH,
                link="lost" if user_id in lost else "ok",
            )
        )
        for user_id in user_ids
    )
    return State("owner", session=Session("s_1", "voice", EPOCH), seats=seats, **fields)


def edition(state: State, room: str = "demo", version: int = 1) -> Edition:
    """A room as a node learns of it."""
    return Edition(Stored(room, state, Position(EPOCH, version), EPOCH))


def with_seat(state: State, index: int, **fields: Any) -> State:
    """Change one seat."""
    seats = list(state.seats)
    seats[index] = msgspec.structs.replace(seats[index], **fields)
    return msgspec.structs.replace(state, seats=tuple(seats))


async def turn(times: int = 20) -> None:
    """Let everything that can run do so."""
    for _ in range(times):
        await asyncio.sleep(0)


def listen() -> list[dict[str, Any]]:
    """Collect what reaches the loop's exception handler."""
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, facts: reported.append(facts))
    return reported
