"""A committer on a memory store that can be held, fail, lose replies, and be changed by others."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from gateway.commits.committer import Committer
from gateway.commits.workings import Outcome, Pending
from gateway.loop.tasks import Tasks
from poller import Poller
from room.actor import Actor
from room.commands import Envelope, read_request
from room.documents import State
from room.errors import Refused, RoomNotFound, Unavailable
from room.snapshot import Edition, Revision, Stored
from store.memory import MemoryStore
from store.port import CommandKey, Consulted, Write

START_MS = 1_732_146_400_123
OWNER = Actor("alice", nickname="Alice")


class Shelf(MemoryStore):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__(lambda: START_MS)
        self.commits: list[Write] = []
        self.consults = 0
        self.gate: asyncio.Event | None = None
        self.is_away = False
        self.loses_replies = False

    async def consult(self, room: str, keys: Sequence[CommandKey]) -> Consulted:
        self.consults += 1
        if self.is_away:
            raise Unavailable("away")
        return await super().consult(room, keys)

    async def commit(self, base: Revision, write: Write) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise Unavailable("away")
        await super().commit(base, write)
        self.commits.append(write)
        if self.loses_replies:
            raise Unavailable("the reply was lost")


class Seats:
    """Claims of seats, as the committer asks for them."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.elsewhere: set[str] = set()

    async def claim(self, room: str, user_id: str) -> None:
        if user_id in self.elsewhere:
            raise Refused("on a seat elsewhere", code="IN_OTHER_ROOM")
        if user_id not in self.taken:
            self.taken.append(user_id)

    async def unclaim(self, room: str, user_id: str) -> None:
        if user_id in self.taken:
            self.taken.remove(user_id)


class Desk:
    """One committer and what stands around it."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        numbers = itertools.count(1)
        self.now_ms = START_MS
        self.shelf = shelf or Shelf()
        self.tasks = Tasks()
        self.seats = Seats()
        self.told: list[str] = []
        self.poller: Poller[Edition] = Poller(
            self._read, missing=RoomNotFound, clock_s=lambda: 0.0, spawn=self.tasks.spawn
        )
        self.committer = Committer(
            self.shelf,
            self.poller,
            self.tasks,
            seating=self.seats,
            clock_ms=lambda: self.now_ms,
            new_id=lambda: str(next(numbers)),
            committed=self.told.append,
        )

    async def _read(self, room: str) -> Edition | None:
        stored = await self.shelf.read(room)
        return None if stored is None else Edition(stored)

    async def open(self, room: str = "demo") -> None:
        """Create a room and start a session."""
        await self.shelf.create(room, State("alice"), START_MS)
        await self.send(OWNER, "session.start", room=room)
        self.shelf.commits.clear()
        self.told.clear()

    def submit(
        self, actor: Actor, name: str, *, room: str = "demo", cmd_id: str = "", **args: Any
    ) -> asyncio.Future[Outcome]:
        """Hand a command in."""
        request = read_request(Envelope(name, cmd_id or f"{actor.user_id} {name} {args}", args))
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.committer.submit(room, Pending(actor, request.command, request, future))
        return future

    async def send(self, actor: Actor, name: str, **options: Any) -> Outcome:
        """Hand a command in and wait for its outcome."""
        return await self.submit(actor, name, **options)

    def stored(self, room: str = "demo") -> Stored:
        """Give the room as the store holds it."""
        return self.shelf._rooms[room]
