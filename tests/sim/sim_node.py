"""One gateway node of real parts around a flaky store, and the ledgers it is judged by."""

from __future__ import annotations

import asyncio
import itertools
import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sim_referee import Referee

from gateway.bearer import Bearer
from gateway.connections import Connections
from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.conversation import Conversation
from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Mailbox
from gateway.push.outgoing import Outgoing
from gateway.rooms import Rooms
from gateway.tasks import Tasks
from poller import Poller
from poller.cache import FRESH_S
from room.actor import Actor
from room.commands import NewRoom, Request
from room.errors import RoomNotFound, Unavailable
from room.messages import Ack
from room.position import Position
from room.reconcile import Reconciler
from room.snapshot import Edition, Snapshot, Stored
from store.port import Store

START_MS = 1_732_146_400_123


@dataclass(frozen=True, slots=True)
class Parts:
    """The classes that a world is made of; a planted bug replaces one."""

    poller: type[Poller] = Poller
    hub: type[Hub] = Hub
    rooms: type[Rooms] = Rooms
    mailbox: type[Mailbox] = Mailbox
    conversation: type[Conversation] = Conversation
    reconciler: type[Reconciler] = Reconciler


class Instrument:
    """A metric that nobody reads."""

    def labels(self, *_: str) -> Instrument:
        return self

    def inc(self, amount: float = 1) -> None:
        """Count nothing."""

    dec = inc


@dataclass(slots=True)
class Reads:
    """The poller's reads of one room."""

    count: int = 0
    under_way: int = 0
    allowed_more: int = 1
    """Reads that may come on top of one per time to live."""


class Node:
    """The parts of one gateway, wired as ``gateway.assemble`` does; what ``Outgoing`` needs too."""

    def __init__(self, store: Store, parts: Parts, referee: Referee, *, cached_rooms: int) -> None:
        loop = asyncio.get_running_loop()
        numbers = itertools.count(1)
        self._store = store
        self._parts = parts
        self._referee = referee
        self._started_s = loop.time()
        self._thrashes = cached_rooms < 2
        self._acked: dict[str, Position] = {}
        self._reads: dict[str, Reads] = {}
        self.clock_ms = lambda: START_MS + int(loop.time() * 1000)
        self.tasks = Tasks()
        self.hub, self.audience = parts.hub(), Audience()
        self.poller = parts.poller(
            self._read,
            clock_s=loop.time,
            spawn=self.tasks.spawn,
            announce=Announcer(self.hub, self.audience).announce,
            max_rooms=cached_rooms,
        )
        self.connections = Connections()
        counter = Instrument()
        self.metrics: Any = SimpleNamespace(connections=counter, snapshots=counter, skipped=counter)
        self.rooms = parts.rooms(
            store,
            self.poller,
            self.tasks,
            clock_ms=self.clock_ms,
            new_id=lambda: str(next(numbers)),
        )

    async def create(self, room: str, owner: Actor) -> None:
        """Create a room; from the answer on nobody may be told that there is none."""
        stored, _ = await self.rooms.create(room, owner, NewRoom(seat_count=3))
        self._acknowledged(room, stored.position)

    async def execute(self, room: str, actor: Actor, request: Request) -> Ack:
        """Send a command; from the ack on nobody may be answered with less."""
        ack = await self.rooms.execute(room, actor, request)
        self._acknowledged(room, ack.position)
        return ack

    def _acknowledged(self, room: str, position: Position) -> None:
        self._referee.saw("ack", room, position)
        self._acked[room] = max(position, self._acked.get(room, position))

    async def poll(self, room: str, after: Position | None) -> Edition | None:
        """Poll as a driver does; None where there is nothing to show."""
        floor = None if self._thrashes else self._acked.get(room)
        held = self.poller._cache.get(room)
        if after is not None and held is not None and after > held.edition.position:
            self.reads_of(room).allowed_more += 1
        began_s = asyncio.get_running_loop().time()
        try:
            found = await self.poller.find(room, after)
        except RoomNotFound:
            self._referee.check(floor is None, "a created room is found", room)
            return None
        except Unavailable:
            self._referee.check(held is None, "what is in memory is served", room)
            return None
        finally:
            took_s = asyncio.get_running_loop().time() - began_s
            self._referee.check(took_s <= 2.0 + 1e-9, "a poll ends in time", room, took_s)
        position = found.edition.position
        rule = "a poll after an ack shows it"
        self._referee.check(floor is None or position >= floor, rule, room, position, floor)
        return found.edition

    def check_in_memory(self, snapshot: Snapshot) -> None:
        """What was pushed is what a poll would show by now, or something newer."""
        if self._thrashes:
            return
        held = self.poller._cache.get(snapshot.room)
        shown = held is not None and held.edition.position >= snapshot.position
        self._referee.check(shown, "memory before push", snapshot.room, snapshot.position)

    def check_sent(self, mailbox: Mailbox, room: str) -> None:
        """A connection for which nothing waits was given all that was acknowledged."""
        key = Key(room, "state")
        if mailbox._pending or key not in mailbox._newest:
            return
        given, floor = mailbox._newest[key], self._acked.get(room)
        shown = floor is None or given >= floor
        self._referee.check(shown, "an idle connection was sent what was acked", given, floor)

    def outgoing(self, bearer: Bearer) -> Outgoing:
        """Begin a connection's way out, with the mailbox of this world."""
        outgoing = Outgoing(self, "ws", bearer, lambda: None)  # type: ignore[arg-type]
        if self._parts.mailbox is not Mailbox:
            outgoing.mailbox = self._parts.mailbox(bearer.view, outgoing._awake.set)
        return outgoing

    def conversation(self, bearer: Bearer, mailbox: Mailbox, home: str | None) -> Conversation:
        """Begin what a caller says and hears."""
        return self._parts.conversation(
            "c_1",
            bearer,
            mailbox,
            rooms=self.rooms,
            hub=self.hub,
            audience=self.audience,
            metrics=self.metrics,
            clock_ms=self.clock_ms,
            home=home,
        )

    def reads_of(self, room: str) -> Reads:
        """Give the ledger of a room."""
        return self._reads.setdefault(room, Reads())

    async def _read(self, room: str) -> Stored | None:
        reads = self.reads_of(room)
        rule = "one read under way per room"
        self._referee.check(not reads.under_way, rule, room)
        reads.count += 1
        reads.under_way += 1
        try:
            return await self._store.read(room)
        finally:
            reads.under_way -= 1

    async def check_left_clean(self) -> None:
        """After everybody has left nothing is kept of them, and reads were few."""
        await self.tasks.settle()
        await asyncio.sleep(1.0)  # what follows the end of a task has run too
        check = self._referee.check
        check(not len(self.hub), "the hub is empty")
        check(not len(self.connections), "no connection is left")
        check(not len(self.rooms._turns), "no turn is held")
        check(not len(self.poller._flights), "no flight is under way")
        check(not self.tasks._running, "tasks have settled")
        check(not self.audience._listeners, "nobody listens")
        if not self._thrashes:
            self._check_reads()

    def _check_reads(self) -> None:
        """Waiting for a reply only adds to the time between two reads."""
        took_s = asyncio.get_running_loop().time() - self._started_s
        for room, reads in self._reads.items():
            allowed = math.ceil(took_s / FRESH_S) + reads.allowed_more
            rule = "reads stay within one per time to live"
            self._referee.check(reads.count <= allowed, rule, room, reads.count, allowed)
