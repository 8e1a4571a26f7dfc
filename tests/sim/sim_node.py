"""One gateway node of real parts around a flaky store, and the ledgers it is judged by."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import random
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from sim_bus import Antenna
from sim_busy import Busy
from sim_referee import Referee
from sim_wire import Wire

from gateway.commits.committer import Committer
from gateway.commits.telling import Telling
from gateway.config import Bounds
from gateway.limits import Limits
from gateway.loop.tasks import Tasks
from gateway.loop.wheel import Wheel
from gateway.presence import Occupied, PresenceLoops, Quiet, Tenure
from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.channel import Channel
from gateway.push.connections import Connections
from gateway.push.conversation import Conversation
from gateway.push.hub import Hub
from gateway.push.mailbox import Key, Line, Mailbox
from gateway.push.sweep import Sweep
from gateway.reads import Reads, no_document
from gateway.rooms import Rooms
from gateway.tokens.bearer import Bearer
from gateway.watch import Watch
from poller import Poller
from poller.cache import FRESH_S
from room.actor import Actor
from room.commands import NewRoom, Request
from room.errors import RoomNotFound, SeatsyncError, Unavailable
from room.messages import Ack
from room.names import is_external
from room.policy import check_readable
from room.position import Position, parse_position
from room.reconcile import Reconciler
from room.snapshot import Edition, Encoded, External, Published, Snapshot, StoredDocument
from store.backend import Backend

START_MS: Final = 1_732_146_400_123
POLL_INTERVAL_MS: Final = 3_000
SWEPT_S: Final = 1.0
"""Within which a sweep has been everywhere."""
MAX_CONNECTIONS: Final = 100
"""Of one user: nobody comes near; that each is counted out is what matters."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The classes that a world is made of; a planted bug replaces one."""

    poller: type[Poller[Edition]] = Poller
    sweep: type[Sweep] = Sweep
    hub: type[Hub] = Hub
    audience: type[Audience] = Audience
    announcer: type[Announcer] = Announcer
    committer: type[Committer] = Committer
    rooms: type[Rooms] = Rooms
    mailbox: type[Mailbox] = Mailbox
    conversation: type[Conversation] = Conversation
    reconciler: type[Reconciler] = Reconciler
    watch: type[Watch] = Watch
    presence: type[PresenceLoops] = PresenceLoops
    antenna: type[Antenna] = Antenna


class Nobody:
    """A witness who writes nothing down."""

    def on_command(self, *_: Any) -> None:
        """Nothing."""

    on_system = on_document = on_command


@dataclass(slots=True)
class Ledger:
    """The poller's reads of one room."""

    count: int = 0
    under_way: int = 0
    allowed_more: int = 1
    """Reads that may come on top of one per time to live."""


class Node:
    """The parts of one gateway, wired as ``gateway.assemble`` does."""

    def __init__(
        self,
        name: str,
        backend: Backend,
        parts: Parts,
        referee: Referee,
        rng: random.Random,
        *,
        cached_rooms: int = 100,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.name: Final = name
        self.backend: Final = backend
        self.started_s: Final = loop.time()
        self.parts: Final = parts
        self._referee = referee
        self._thrashes = cached_rooms < 2
        self._acked: dict[Key, Position] = {}
        self._settled: dict[Key, Position] = {}
        self._reads: dict[str, Ledger] = {}
        self._store_reads = Reads(backend.store)
        self.clock_ms = lambda: START_MS + int(loop.time() * 1000)
        self.connections = Connections()
        self.limits = Limits(Bounds(user_connections=MAX_CONNECTIONS), loop.time)
        self.metrics: Any = SimpleNamespace()
        self.tasks = Tasks()
        self.wheel = Wheel()
        self.channel = Channel(
            "ws",
            self.wheel,
            self.connections,
            self.limits,
            self.tasks.spawn,
            self.clock_ms,
            loop.time,
            tick_s=12.5,
            no_progress_s=10.0,
        )
        busy = Busy(loop, rng)
        self.sweep = busy.toiling(parts.sweep)(
            busy.soon, loop.call_later, busy.clock_s, chunk=rng.choice((1, 1, 2, 64))
        )
        self.hub, self.audience = parts.hub(self.sweep), parts.audience(self.sweep)
        self._wire(loop, rng, cached_rooms)

    def _wire(self, loop: asyncio.AbstractEventLoop, rng: random.Random, cached_rooms: int) -> None:
        numbers, life = itertools.count(1), f"{rng.getrandbits(32):08x}"
        announcer = self.parts.announcer(self.hub, self.audience)
        self.poller = self.parts.poller(
            self._read,
            missing=RoomNotFound,
            clock_s=loop.time,
            spawn=self.tasks.spawn,
            announce=announcer.announce,
            max_held=cached_rooms,
            is_kept=lambda room: not self._thrashes and self.hub.is_followed(Key(room, "state")),
        )
        self.documents: Poller[External] = Poller(
            self._store_reads.document,
            missing=no_document,
            clock_s=loop.time,
            spawn=self.tasks.spawn,
            announce=announcer.announce_document,
        )
        monotonic_ms = lambda: int(loop.time() * 1000)  # noqa: E731 - passed on, never called here
        occupied, quiet = Occupied(), Quiet(monotonic_ms)
        tenure = Tenure(
            self.backend.leases, occupied, quiet, poll_interval_ms=lambda: POLL_INTERVAL_MS
        )
        self.telling = Telling(self.backend.bus, self.tasks)
        self.committer = self.parts.committer(
            self.backend.store,
            self.poller,
            self.tasks,
            seating=tenure,
            clock_ms=self.clock_ms,
            new_id=lambda: f"{life}-{next(numbers)}",
            committed=self.telling.room,
        )
        self.rooms = self.parts.rooms(
            self.backend.store,
            self.poller,
            self.documents,
            self.committer,
            self.tasks,
            admit=self.limits.check_command,
            witness=Nobody(),
            changed=self.telling.tell,
            clock_ms=self.clock_ms,
        )
        self.presence = self.parts.presence(
            tenure,
            occupied,
            self.backend.bus,
            self.rooms,
            self.audience,
            self.tasks,
            node=self.name,
            clock_ms=self.clock_ms,
            monotonic_ms=monotonic_ms,
            rng=rng,
        )
        announcer.add(self.presence.observe)
        self.watch = self.parts.watch(
            self.backend.bus,
            self.rooms,
            self.hub,
            self.tasks,
            on_voices=self.presence.on_voices,
            rng=rng,
        )

    async def create(self, room: str, owner: Actor) -> None:
        """Create a room; from the answer on nobody may be told that there is none."""
        stored, _ = await self.rooms.create(room, owner, NewRoom(seat_count=3))
        self._acknowledged(Key(room, "state"), stored.position)

    async def execute(self, room: str, actor: Actor, request: Request) -> Ack:
        """Send a command; from the ack on nobody may be answered with less."""
        ack = await self.rooms.execute(room, actor, request)
        self._acknowledged(Key(room, "state"), ack.position)
        for doc, position in (ack.positions or {}).items():
            self._acknowledged(Key(room, doc), parse_position(position))
        return ack

    async def put_document(self, room: str, actor: Actor, doc: str, body: bytes) -> StoredDocument:
        """Set an ``x-`` document; from the answer on nobody may be answered with less."""
        stored, _ = await self.rooms.put_document(room, actor, doc, body)
        self._acknowledged(Key(room, doc), stored.position)
        return stored

    def _acknowledged(self, key: Key, position: Position) -> None:
        self._referee.saw("ack", self.name, *key, position)
        self._acked[key] = max(position, self._acked.get(key, position))
        asyncio.get_running_loop().call_later(SWEPT_S, self._swept, key, position)

    def _swept(self, key: Key, position: Position) -> None:
        self._settled[key] = max(position, self._settled.get(key, position))

    async def poll(self, room: str, after: Position | None, doc: str = "state") -> Published | None:
        """Poll as a driver does; None where there is nothing to show."""
        key = Key(room, doc)
        floor = None if self._thrashes else self._acked.get(key)
        held = self.held(key)
        if after is not None and held is not None and after > held.position:
            self.reads_of(room).allowed_more += 1
        began_s = asyncio.get_running_loop().time()
        try:
            found = await self.rooms.find_document(room, doc, after)
        except Unavailable:
            self._referee.check(held is None, "what is in memory is served", *key)
            return None
        except SeatsyncError as error:
            self._referee.check(floor is None, "a created room is found", *key, error.code)
            return None
        finally:
            took_s = asyncio.get_running_loop().time() - began_s
            longest_s = 4.0 if is_external(doc) else 2.0
            self._referee.check(took_s <= longest_s + 1e-9, "a poll ends in time", room, took_s)
        position = found.edition.position
        rule = "a poll after an ack shows it"
        self._referee.check(floor is None or position >= floor, rule, *key, position, floor)
        return found.edition

    def held(self, key: Key) -> Published | None:
        """Give what is held of a document."""
        held = self.rooms.held(*key)
        return held.document(key.doc) if isinstance(held, Edition) else held

    def check_in_memory(self, snapshot: Snapshot) -> None:
        """What was pushed is what a poll would show by now, or something newer."""
        if self._thrashes:
            return
        held = self.held(Key(snapshot.room, snapshot.doc))
        shown = held is not None and held.position >= snapshot.position
        self._referee.check(shown, "memory before push", snapshot.room, snapshot.position)

    def check_sent(self, wire: Wire) -> None:
        """A connection for which nothing waits was given all that was acknowledged a while ago."""
        if not wire.is_idle:
            return
        for line in wire.lines:
            given, floor = line.newest, self._settled.get(line.key)
            shown = floor is None or (given is not None and given >= floor)
            self._referee.check(shown, "an idle connection was sent what was acked", given, floor)

    def check_brought(
        self, wire: Wire, snapshot: Snapshot, line: Line | None, before: Position | None
    ) -> None:
        """What is brought is in memory, followed, newer than what came before, and may be read."""
        self.check_in_memory(snapshot)
        key, position = Key(snapshot.room, snapshot.doc), snapshot.position
        check = self._referee.check
        check(line is not None, "what is brought is followed", *key)
        rises = before is None or position > before
        check(rises, "positions on one connection rise", *key, before, position)
        held = self.rooms.held(snapshot.room)
        if snapshot.doc == "requests" and isinstance(held, Edition):
            try:
                check_readable(snapshot.doc, held.stored.state, wire.bearer.actor)
            except SeatsyncError:
                self._referee.broken("nobody is sent what they may not read", *key)

    def check_present(self, wire: Wire, item: Encoded) -> None:
        """What is said of a room comes to those who are in it."""
        room = json.loads(item.body)["room"]
        here = self.audience._rooms.get(room)
        there = here is not None and any(one.mailbox is wire.mailbox for one in here.members)
        self._referee.check(there, "a room is heard by those in it", room)

    def check_open(self, is_open: bool) -> None:
        """Nobody carries anything to one who has left."""
        self._referee.check(is_open, "nothing is carried to who left")

    def wire(self, bearer: Bearer, home: str | None, rng: random.Random) -> Wire:
        """Begin a connection, with the mailbox of this world."""
        return Wire(self, bearer, home, rng)

    def conversation(self, bearer: Bearer, mailbox: Mailbox, home: str | None) -> Conversation:
        """Begin what a caller says and hears."""
        return self.parts.conversation("c_1", bearer, mailbox, self, home)

    def reads_of(self, room: str) -> Ledger:
        """Give the ledger of a room."""
        return self._reads.setdefault(room, Ledger())

    async def _read(self, room: str) -> Edition | None:
        reads = self.reads_of(room)
        rule = "one read under way per room"
        self._referee.check(not reads.under_way, rule, room)
        reads.count += 1
        reads.under_way += 1
        try:
            return await self._store_reads.room(room)
        finally:
            reads.under_way -= 1

    async def check_left_clean(self) -> None:
        """After everybody has left nothing is kept of them."""
        await self.tasks.settle()
        await asyncio.sleep(1.0)  # what follows the end of a task has run too
        check = self._referee.check
        check(not len(self.hub), "the hub is empty")
        check(not (len(self.connections) or self.limits._connections), "no connection is left")
        check(not len(self.committer), "no batch is under way")
        check(not len(self.poller._flights), "no flight is under way")
        check(not self.tasks._running, "tasks have settled")
        check(not self.audience._rooms, "the audience is empty")
        check(not len(self.sweep), "no course is under way")
        check(not any(self.wheel._buckets), "no deadline is left")
        check(not len(self.watch), "nothing waits to be read")
        check(not self.telling._under_way, "nothing is being told")

    def check_reads(self) -> None:
        """Reads were few; waiting for a reply only adds to the time between two."""
        if self._thrashes:
            return
        took_s = asyncio.get_running_loop().time() - self.started_s
        for room, reads in self._reads.items():
            allowed = math.ceil(took_s / FRESH_S) + reads.allowed_more
            rule = "reads stay within one per time to live"
            self._referee.check(reads.count <= allowed, rule, room, reads.count, allowed)
