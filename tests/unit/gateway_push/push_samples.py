"""Rooms, people and connections that the tests of the push layer share."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

from push_turns import inline_sweep

from gateway.commits.committer import Committer
from gateway.loop.tasks import Tasks
from gateway.metrics.instruments import Metrics
from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.connections import Connections
from gateway.push.conversation import Conversation, Rest
from gateway.push.hub import Hub
from gateway.push.mailbox import Mailbox
from gateway.push.sweep import Sweep
from gateway.reads import Reads, no_document
from gateway.rooms import Rooms
from gateway.tokens.bearer import ANONYMOUS, Bearer
from poller import Poller
from room.actor import Actor
from room.commands import Envelope, NewRoom, read_request
from room.documents import Session, State
from room.errors import RoomNotFound
from room.messages import Ack, Bye
from room.position import Position
from room.snapshot import Edition, Encoded, External, Snapshot, Stored
from room.views import View
from store.memory import MemoryStore

EPOCH = 1_732_146_400_123
OWNER = Actor("alice", nickname="Alice")
ANN = Actor("ann", nickname="Ann")


def edition(version: int = 1, room: str = "demo", epoch: int = EPOCH) -> Edition:
    """A room with a live session."""
    state = State("alice", session=Session("s_1", "voice", EPOCH))
    return Edition(Stored(room, state, Position(epoch, version), EPOCH))


def snapshot(version: int = 1, room: str = "demo", epoch: int = EPOCH) -> Snapshot:
    """The anonymous view of ``edition``."""
    return edition(version, room, epoch).view("anonymous")


class Outlet:
    """Notes what leaves a mailbox; while it ``takes`` a number of items, it is full after them."""

    def __init__(self) -> None:
        self.carried: list[Encoded] = []
        self.byes: list[Bye] = []
        self.takes: int | None = None
        self.mailbox: Mailbox | None = None

    def carry(self, item: Encoded) -> None:
        self.carried.append(item)
        if self.takes is None or self.mailbox is None:
            return
        self.takes -= 1
        if self.takes <= 0:
            self.mailbox.shut()

    bring = carry

    def bid(self, bye: Bye) -> None:
        self.byes.append(bye)


def mailbox_for(view: View = "anonymous", outlet: Outlet | None = None) -> Mailbox:
    """A mailbox that is shut: what is said waits in it."""
    outlet = outlet or Outlet()
    outlet.mailbox = Mailbox(view, outlet)
    return outlet.mailbox


def take_all(mailbox: Mailbox) -> list[Encoded]:
    """Take what waits."""
    items: list[Encoded] = []
    while (item := mailbox.take()) is not None:
        items.append(item)
    return items


def read(item: Encoded) -> dict[str, Any]:
    """Read an item as its receiver does."""
    message: dict[str, Any] = json.loads(item.body)
    return message


class Clock:
    """Wall clock in ms, and monotonic seconds."""

    def __init__(self) -> None:
        self.now_ms = EPOCH

    def __call__(self) -> int:
        return self.now_ms

    def monotonic_s(self) -> float:
        return self.now_ms / 1000


class Signs:
    """Presence, seating and witness of a node of one: notes what it hears."""

    def __init__(self) -> None:
        self.touched: list[tuple[str, str]] = []
        self.spoke: list[tuple[str, str, str, bool]] = []
        self.left: list[str] = []
        self.entered: list[str] = []

    def touch(self, room: str, user_id: str) -> None:
        self.touched.append((room, user_id))

    def speak(self, room: str, user_id: str, conn_id: str, *, on: bool) -> None:
        self.spoke.append((room, user_id, conn_id, on))

    def gone(self, conn_id: str) -> None:
        self.left.append(conn_id)

    def came(self, room: str) -> None:
        self.entered.append(room)

    def speaking(self, room: str) -> bytes | None:
        return None

    async def claim(self, room: str, user_id: str) -> None:
        """Whoever sits, sits."""

    async def unclaim(self, room: str, user_id: str) -> None:
        """Whoever leaves, leaves."""

    def on_command(self, *_: Any) -> None:
        """Nothing is written down."""

    def on_document(self, *_: Any) -> None:
        """Nothing is written down."""

    def on_system(self, *_: Any) -> None:
        """Nothing is written down."""


class Node:
    """The parts behind a connection, around a memory store; no socket.

    Args:
        sweep: brings what is new to many; by default at once.
    """

    def __init__(self, sweep: Sweep | None = None) -> None:
        numbers = itertools.count(1)
        self.clock_ms = Clock()
        self.store = MemoryStore(self.clock_ms)
        self.tasks = Tasks()
        sweep = sweep or inline_sweep()
        self.hub, self.audience, self.metrics = Hub(sweep), Audience(sweep), Metrics()
        self.presence = Signs()
        announcer, reads = Announcer(self.hub, self.audience), Reads(self.store)
        self.poller: Poller[Edition] = Poller(
            reads.room,
            missing=RoomNotFound,
            clock_s=self.clock_ms.monotonic_s,
            spawn=self.tasks.spawn,
            announce=announcer.announce,
        )
        self.documents: Poller[External] = Poller(
            reads.document,
            missing=no_document,
            clock_s=self.clock_ms.monotonic_s,
            spawn=self.tasks.spawn,
            announce=announcer.announce_document,
        )
        self.connections = Connections()
        committer = Committer(
            self.store,
            self.poller,
            self.tasks,
            seating=self.presence,
            clock_ms=self.clock_ms,
            new_id=lambda: str(next(numbers)),
            committed=lambda _: None,
        )
        self.rooms = Rooms(
            self.store,
            self.poller,
            self.documents,
            committer,
            self.tasks,
            admit=lambda actor, room: None,
            witness=self.presence,
            changed=lambda _: None,
            clock_ms=self.clock_ms,
        )

    async def start(self, room: str = "demo") -> None:
        """Create a room and start a session in it."""
        await self.rooms.create(room, OWNER, NewRoom(seat_count=3))
        await self.send(OWNER, "session.start", room=room)

    async def send(
        self, actor: Actor, name: str, *, room: str = "demo", cmd_id: str = "", **args: Any
    ) -> Ack:
        """Send a command from outside of any connection."""
        cmd_id = cmd_id or f"{name}-{id(object())}-{self.clock_ms.now_ms}"
        self.clock_ms.now_ms += 1
        return await self.rooms.execute(room, actor, read_request(Envelope(name, cmd_id, args)))

    def conversation(self, bearer: Bearer, mailbox: Mailbox, home: str | None) -> Conversation:
        """Begin what one caller says and hears, as the gateway does."""
        return Conversation("c_7", bearer, mailbox, self, home)

    def caller(self, actor: Actor | None = None, home: str | None = "demo") -> Caller:
        """Begin a connection."""
        return Caller(self, ANONYMOUS if actor is None else Bearer(actor), home)


class Caller:
    """One connection: what it says and what it has heard."""

    def __init__(self, node: Node, bearer: Bearer, home: str | None) -> None:
        self.outlet = Outlet()
        self.mailbox = mailbox_for(bearer.view, self.outlet)
        self.conversation = node.conversation(bearer, self.mailbox, home)

    async def open(
        self, *docs: str, have: dict[str, Position] | None = None
    ) -> list[dict[str, Any]]:
        """Open the connection and give what it hears."""
        await finish(self.conversation.open(docs or ("state",), have or {}, 25_000))
        return self.heard()

    async def say(self, **message: Any) -> list[dict[str, Any]]:
        """Send one message and give what came of it."""
        await finish(self.conversation.receive(json.dumps(message).encode()))
        return self.heard()

    def heard(self) -> list[dict[str, Any]]:
        """Give what waits, in the order in which it is sent."""
        return [read(item) for item in take_all(self.mailbox)]


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    """Name what was heard."""
    return [message["type"] for message in messages]


async def finish(rest: Rest) -> None:
    """Wait for what a conversation has yet to do."""
    if rest is not None:
        await rest


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)
