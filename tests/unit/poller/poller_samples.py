"""Rooms, clocks and stores that the tests of the poller share."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from poller import Poller
from room.documents import Participation, Person, Seat, Session, State
from room.errors import RoomNotFound, Unavailable
from room.position import Position
from room.snapshot import Edition, Stored

EPOCH = 1_732_146_400_123


def stored(version: int = 1, room: str = "demo", epoch: int = EPOCH) -> Stored:
    """A room with a session, long enough for gzip to pay."""
    ann = Participation("p_1", Person("ann", "Ann", "face/1"), EPOCH)
    seats = (Seat(), Seat(occupant=ann), *(Seat() for _ in range(7)))
    state = State("alice", session=Session("s_1", "voice", EPOCH), seats=seats)
    return Stored(room, state, Position(epoch, version), EPOCH + version)


def edition(version: int = 1, room: str = "demo", epoch: int = EPOCH) -> Edition:
    """The edition of ``stored``."""
    return Edition(stored(version, room, epoch))


class Clock:
    """Monotonic seconds that the test turns."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Shelf:
    """A store to read from: answers at once, when told to, or not at all."""

    def __init__(self) -> None:
        self.rooms: dict[str, Stored] = {}
        self.reads = 0
        self.is_away = False
        self.gate: asyncio.Event | None = None

    async def read(self, room: str) -> Edition | None:
        self.reads += 1
        held = self.rooms.get(room)
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise Unavailable("away")
        return None if held is None else Edition(held)

    def close_gate(self) -> asyncio.Event:
        """Hold every read, with what it saw, until the event is set."""
        self.gate = asyncio.Event()
        return self.gate


class Bench:
    """A poller on a shelf."""

    def __init__(self, **bounds: Any) -> None:
        self.clock = Clock()
        self.shelf = Shelf()
        self.tasks: set[asyncio.Task[Any]] = set()
        self.poller: Poller[Edition] = Poller(
            self.shelf.read, missing=RoomNotFound, clock_s=self.clock, spawn=self.spawn, **bounds
        )

    def spawn(self, work: Coroutine[Any, Any, Edition]) -> asyncio.Task[Edition]:
        """Start a task, and look at its error so that none is reported as forgotten."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.ended)
        return task

    def ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def settle(self) -> None:
        """Let everything that can run do so."""
        for _ in range(10):
            await asyncio.sleep(0)
