"""Rooms, exchanges and a front door without sockets that tests of its answers share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from gateway.config import Address, Bounds, Config, Rate
from gateway.edge.entries import Entries
from gateway.edge.head import Head, read_head
from gateway.edge.polls import Polls
from gateway.edge.replies import Reply, problem_reply
from gateway.edge.routes import Routes
from gateway.entry import Reception
from gateway.limits import Limits
from gateway.loop.wheel import Wheel
from gateway.metrics.polls import PollTally
from gateway.plan import Planner
from gateway.push.hub import Hub
from gateway.push.sweep import Sweep
from gateway.push.waiting import Waiting
from gateway.reads import Reads, no_document
from gateway.rooms import Rooms
from gateway.tokens.authenticator import Authenticator, issue
from poller import Poller
from room.documents import Ban, Participation, Person, Requests, Seat, SeatRequest, Session, State
from room.errors import RoomNotFound, SeatsyncError, Unavailable
from room.position import Position
from room.snapshot import Edition, External, Stored, StoredDocument

SECRET = b"planted-secret-of-the-unit-tests"
EPOCH = 1_732_146_400_123
NOW_S = 1_732_150_000.0
ROOM = "r1"
STATE = f"/v1/rooms/{ROOM}/state"

ANN = Participation("p_1", Person("ann", "Ann", "face/1"), EPOCH)
APPLICATION = SeatRequest(
    "r_1", "apply", Person("bob", "Bob", "face/2"), "bob", EPOCH, EPOCH + 60_000, 2
)


def stored(version: int = 7, room: str = ROOM, **changes: Any) -> Stored:
    """A room with a session, long enough for gzip to pay; ann sits, adam helps, eve is banned."""
    fields = {
        "session": Session("s_1", "voice", EPOCH),
        "seats": (Seat(), Seat(occupant=ANN), *(Seat() for _ in range(7))),
        "admins": ("adam",),
        "bans": (Ban("eve"),),
        **changes,
    }
    state = State("olga", **fields)
    position = Position(EPOCH, version)
    return Stored(room, state, position, EPOCH + version, Requests((APPLICATION,)), 3, EPOCH)


def edition(version: int = 7, room: str = ROOM, **changes: Any) -> Edition:
    return Edition(stored(version, room, **changes))


def score(version: int = 4, data: bytes = b'{"a":1}') -> External:
    return External(StoredDocument(ROOM, "x-score", Position(EPOCH, version), 5, data, b"f"))


class Clock:
    """Seconds that the test turns."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


class Shelf:
    """A store to read from; it can be away, and counts."""

    def __init__(self) -> None:
        self.rooms: dict[str, Stored] = {}
        self.documents: dict[tuple[str, str], StoredDocument] = {}
        self.is_away = False
        self.reads = 0
        self.gate: asyncio.Event | None = None

    async def read(self, room: str) -> Stored | None:
        return await self._give(self.rooms.get(room))

    async def read_document(self, room: str, doc: str) -> StoredDocument | None:
        return await self._give(self.documents.get((room, doc)))

    async def _give(self, held: Any) -> Any:
        self.reads += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.is_away:
            raise Unavailable("away")
        return held


class Sent(NamedTuple):
    """An answer taken apart; ``headers`` in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def take_apart(reply: Reply) -> Sent:
    assert reply.head.endswith(b"\r\n")
    first, *lines = reply.head.decode().removesuffix("\r\n").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1"
    pairs = [line.split(": ", 1) for line in lines]
    headers = {name.lower(): value for name, value in pairs}
    assert len(headers) == len(pairs), "no header comes twice"
    assert not {"date", "connection"} & set(headers), "the exchange adds them"
    assert headers["server"] == "seatsync"
    assert headers["x-content-type-options"] == "nosniff"
    if int(status) not in (204, 304):
        assert headers.pop("content-length") == str(len(reply.body))
    assert "content-length" not in headers
    return Sent(int(status), headers, reply.body)


class FakeExchange:
    """One request; keeps what it is answered with."""

    def __init__(self, head: Head, scheme: str = "http") -> None:
        self.head = head
        self.scheme = scheme
        self.body = b""
        self.gone = False
        self.on_gone: Callable[[], None] | None = None
        self.replies: list[Reply] = []
        self.broken: list[Exception] = []

    def reply(self, reply: Reply) -> None:
        assert not self.replies, "an exchange is answered once"
        self.replies.append(reply)

    def fail(self, error: SeatsyncError) -> None:
        self.reply(problem_reply(error))

    def break_off(self, error: Exception) -> None:
        self.broken.append(error)

    def leave(self) -> None:
        self.gone = True
        if self.on_gone is not None:
            self.on_gone()

    @property
    def sent(self) -> Sent:
        (reply,) = self.replies
        return take_apart(reply)


def head_of(target: str = STATE, *lines: str, method: str = "GET", host: str = "here:8080") -> Head:
    text = "\r\n".join((f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, "", ""))
    return read_head(text.encode("latin-1"))


def bearer(user: str, expires_s: float = NOW_S + 600, **claims: Any) -> str:
    token = issue(SECRET, {"sub": user, "exp": expires_s, **claims})
    return f"Authorization: Bearer {token}"


class Bench:
    """The answers of the door, on a poller and a shelf; needs a running loop."""

    def __init__(self, *, user_polls: Rate | None = None, **settings: Any) -> None:
        loop = asyncio.get_running_loop()
        self.monotonic = Clock(1000.0)
        self.wall = Clock(NOW_S)
        self.shelf = Shelf()
        self.touched: list[tuple[str, str]] = []
        self.interval_ms = 3000
        self.wheel = Wheel()
        self.tally = PollTally()
        self.lent: list[str] = []
        self.hub = Hub(Sweep(loop.call_soon, loop.call_later, loop.time, lambda _: None))
        self.waiting = Waiting(self.hub, self.wheel)
        reads = Reads(self.shelf)  # type: ignore[arg-type]  # the part of a store that is read
        self.poller: Poller[Edition] = Poller(
            reads.room,
            missing=RoomNotFound,
            clock_s=self.monotonic,
            spawn=self._spawn,
            announce=lambda edition, _: self._announce(edition),
        )
        self.documents: Poller[External] = Poller(
            reads.document, missing=no_document, clock_s=self.monotonic, spawn=self._spawn
        )
        nothing: Any = None
        self.rooms = Rooms(
            nothing,
            self.poller,
            self.documents,
            nothing,
            nothing,
            admit=nothing,
            witness=nothing,
            changed=nothing,
            clock_ms=nothing,
        )
        address = Address("127.0.0.1", 0)
        config = Config(address, address, SECRET, **settings)
        guard = Authenticator(SECRET, self.wall)
        check_poll = Limits(Bounds(user_polls=user_polls), self.monotonic).check_poll
        self.planner = Planner(config, lambda: self.interval_ms)
        self.reception = Reception(
            self.rooms, self.planner, config.announcement, lambda: int(self.wall() * 1000)
        )
        self.polls = Polls(
            self.rooms,
            guard,
            check_poll=check_poll,
            touch=self._touch,
            clock_s=self.wall,
            pace=lambda: self.interval_ms,
            tally=self.tally,
            waiting=self.waiting,
        )
        entries = Entries(self.reception, guard, config, check_poll=check_poll, touch=self._touch)
        self.routes = Routes(
            self.polls,
            entries,
            push=self._push,
            push_all=lambda exchange: self._push(exchange, "*"),
            events=self._push,
        )
        self._tasks: set[asyncio.Task[Any]] = set()

    def hold(self, *editions: Edition | External) -> None:
        """Put what the store holds, and this node too."""
        for one in editions:
            if isinstance(one, Edition):
                self.shelf.rooms[one.room] = one.stored
                self.poller.put(one)
            else:
                self.shelf.documents[one.key] = one.stored
                self.documents.put(one)

    def ask_now(self, target: str = STATE, *lines: str, method: str = "GET") -> FakeExchange:
        """Ask what is answered, or kept waiting, in one turn."""
        exchange = FakeExchange(head_of(target, *lines, method=method))
        self.serve(exchange)
        return exchange

    async def ask(self, target: str = STATE, *lines: str, method: str = "GET") -> Sent:
        """Ask, as the door does: what is raised becomes a problem."""
        exchange = FakeExchange(head_of(target, *lines, method=method))
        try:
            work = self.begin(exchange)
            if work is not None:
                await work
        except SeatsyncError as error:
            exchange.fail(error)
        return exchange.sent

    def serve(self, exchange: FakeExchange) -> None:
        """Serve an exchange that needs no coroutine."""
        assert self.begin(exchange) is None, "it asks the store"

    def begin(self, exchange: FakeExchange) -> Coroutine[Any, Any, None] | None:
        """Serve an exchange by whoever answers its path."""
        responder = self.routes.find(exchange.head)
        assert responder is not None
        asked: Any = exchange
        return responder(asked)

    async def settle(self) -> None:
        """Let everything that can run do so."""
        for _ in range(20):
            await asyncio.sleep(0)

    def turn(self, seconds: float) -> None:
        """Turn the wheel."""
        until_s = self.monotonic.now_s + seconds
        while self.monotonic.now_s < until_s:
            self.monotonic.now_s += 0.25
            for _ in self.wheel.advance(self.monotonic.now_s):
                pass

    @property
    def is_wheel_empty(self) -> bool:
        return not any(self.wheel._buckets)

    def _push(self, exchange: Any, room: str) -> None:
        self.lent.append(room)

    def _announce(self, edition: Edition) -> None:
        self.hub.publish(edition)
        self.hub.publish(edition.requests)

    def _touch(self, room: str, user_id: str) -> None:
        self.touched.append((room, user_id))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task
