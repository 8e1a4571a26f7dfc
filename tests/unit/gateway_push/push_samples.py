"""Rooms, people and connections that the tests of the push layer share."""

from __future__ import annotations

import asyncio
import itertools
import json
from types import SimpleNamespace
from typing import Any

from gateway.bearer import ANONYMOUS, Bearer
from gateway.committer import Committer
from gateway.config import Bounds
from gateway.connections import Connections
from gateway.limits import Limits
from gateway.metrics import Metrics
from gateway.push.announcer import Announcer
from gateway.push.audience import Audience
from gateway.push.conversation import Conversation
from gateway.push.hub import Hub
from gateway.push.mailbox import Item, Mailbox
from gateway.reads import Reads, no_document
from gateway.rooms import Rooms
from gateway.tasks import Tasks
from poller import Poller
from room.actor import Actor
from room.commands import Envelope, NewRoom, read_request
from room.documents import Session, State
from room.errors import RoomNotFound
from room.messages import Ack, Bye
from room.position import Position
from room.snapshot import Edition, External, Snapshot, Stored
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


class Bell:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.rung = 0

    def __call__(self) -> None:
        self.rung += 1


def take_all(mailbox: Mailbox) -> list[Item]:
    """Take what waits, up to the goodbye."""
    items: list[Item] = []
    while (item := mailbox.take()) is not None:
        items.append(item)
        if isinstance(item, Bye):
            break
    return items


def read(item: Item) -> dict[str, Any]:
    """Read an item as its receiver does."""
    assert not isinstance(item, Bye)
    message: dict[str, Any] = json.loads(item.body if isinstance(item, Snapshot) else item)
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
    """The parts behind a connection, around a memory store; no socket."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.clock_ms = Clock()
        self.store = MemoryStore(self.clock_ms)
        self.tasks = Tasks()
        self.hub, self.audience, self.metrics = Hub(), Audience(), Metrics()
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

    def caller(self, actor: Actor | None = None, home: str | None = "demo") -> Caller:
        """Begin a connection."""
        return Caller(self, ANONYMOUS if actor is None else Bearer(actor), home)


class Caller:
    """One connection: what it says and what it has heard."""

    def __init__(self, node: Node, bearer: Bearer, home: str | None) -> None:
        self.bell = Bell()
        self.mailbox = Mailbox(bearer.view, self.bell)
        self.conversation = Conversation(
            "c_7",
            bearer,
            self.mailbox,
            rooms=node.rooms,
            hub=node.hub,
            audience=node.audience,
            presence=node.presence,
            metrics=node.metrics,
            clock_ms=node.clock_ms,
            home=home,
        )

    async def open(
        self, *docs: str, have: dict[str, Position] | None = None
    ) -> list[dict[str, Any]]:
        """Open the connection and give what it hears."""
        await self.conversation.open(docs or ("state",), have or {}, 25_000)
        return self.heard()

    async def say(self, **message: Any) -> list[dict[str, Any]]:
        """Send one message and give what came of it."""
        await self.conversation.receive(json.dumps(message).encode())
        return self.heard()

    def heard(self) -> list[dict[str, Any]]:
        """Give what waits, in the order in which it is sent."""
        return [read(item) for item in take_all(self.mailbox)]


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    """Name what was heard."""
    return [message["type"] for message in messages]


def gateway_of(node: Node) -> Any:
    """What ``Outgoing`` needs of a gateway."""
    return SimpleNamespace(
        connections=node.connections,
        metrics=node.metrics,
        clock_ms=node.clock_ms,
        limits=Limits(Bounds(), node.clock_ms.monotonic_s),
    )


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)
