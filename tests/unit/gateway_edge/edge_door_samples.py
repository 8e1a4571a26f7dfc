"""A door on a loopback socket or on no socket at all, and whoever answers behind it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import uvloop
from aiohttp import web

from gateway.config import Address
from gateway.edge.door import Door
from gateway.edge.exchange import Exchange, Responder
from gateway.edge.head import Head
from gateway.edge.house import House
from gateway.edge.listener import listening
from gateway.edge.replies import Reply, problem_reply, reply_of
from gateway.loop.wheel import Wheel
from gateway.origins import Origins
from tests.unit.gateway_edge.smuggling_corpus import Seen

DATE = b"Date: Sat, 21 Nov 2026 17:00:00 GMT\r\n"
STEP_S = 0.25


def on_uvloop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on the loop that the server runs on."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(20):
                await test(*args, **kwargs)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(bounded())

    return run


class Recorder:
    """Answers everything, and remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def respond(self, exchange: Exchange) -> None:
        """Answer at once."""
        head = exchange.head
        self.seen.append(Seen(head.method, head.path, exchange.body))
        exchange.reply(told(head.path))

    def route(self, head: Head) -> Responder | None:
        """Answer everything here."""
        return self.respond

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer as aiohttp's handler."""
        self.seen.append(Seen(request.method, request.rel_url.raw_path, await request.read()))
        return web.Response(body=request.rel_url.raw_path.encode())


def told(text: str) -> Reply:
    """Write a small answer."""
    return reply_of(200, (("Content-Type", "text/plain"),), text.encode())


def nothing() -> asyncio.Protocol:
    raise AssertionError("nothing is lent here")


def lend_nothing(head: Head) -> Responder | None:
    return None


def make_house(
    route: Callable[[Head], Responder | None],
    lend: Callable[[], asyncio.Protocol] = nothing,
    *,
    origins: tuple[str, ...] = (),
) -> House:
    """Make a house whose wheel turns only when it is told to."""
    return House(
        route=route,
        lend=lend,
        fail=problem_reply,
        origins=Origins(origins, None),
        varies=bool(origins),
        wheel=Wheel(STEP_S),
        date=lambda: DATE,
    )


class Turning:
    """Lets time pass on a wheel."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._now_s = 0.0

    def __call__(self, by_s: float) -> None:
        for _ in range(round(by_s / STEP_S)):
            self._now_s += STEP_S
            for _ in self._wheel.advance(self._now_s):
                pass


@asynccontextmanager
async def aiohttp_app(
    handle: Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]],
) -> AsyncIterator[Callable[[], asyncio.Protocol]]:
    """Run an application without a listener of its own; give what makes its handlers."""
    app = web.Application(client_max_size=1 << 20)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, auto_decompress=False)
    await runner.setup()
    server = runner.server
    if server is None:
        raise AssertionError("an application that was set up has a server")
    try:
        yield server
    finally:
        await runner.cleanup()


class Client:
    """A peer that sends and reads bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    def send(self, raw: bytes) -> None:
        self._writer.write(raw)

    def send_no_more(self) -> None:
        self._writer.write_eof()

    async def rest(self) -> bytes:
        """Read to the end of the connection."""
        return await self.reader.read()

    async def answer(self) -> bytes:
        """Read one answer, by its length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        size = next((line[15:] for line in lines if line.startswith(b"content-length:")), b"0")
        return head + await self.reader.readexactly(int(size))

    async def hang_up(self) -> None:
        self._writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def calling(address: Address) -> AsyncIterator[Client]:
    """Open one connection."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    client = Client(reader, writer)
    try:
        yield client
    finally:
        writer.transport.abort()


@asynccontextmanager
async def open_house(house: House) -> AsyncIterator[Address]:
    """Listen on a free port of the loopback."""
    async with listening(house, Address("127.0.0.1", 0), cleanup_s=0) as address:
        yield address


async def soon(condition: Callable[[], bool]) -> None:
    """Wait until something holds, for as long as the test may take."""
    while not condition():  # noqa: ASYNC110 - no event is set by what is waited for
        await asyncio.sleep(0)


class Wire(asyncio.Transport):
    """A transport without a socket: what was written is kept, and taken when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unread_bytes = 0
        self.is_stuck = False
        self.is_ended = False
        self.is_closed = False
        self.is_aborted = False
        self.is_paused = False
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closed, "nothing is written to a closed transport"
        assert not self.is_ended, "nothing is written behind the end"
        self.sent += bytes(data)
        if self.is_stuck:
            self.unread_bytes += len(data)

    def take(self) -> bytes:
        """Give what was written since the last time."""
        sent, self.sent = self.sent, b""
        return sent

    def write_eof(self) -> None:
        assert not self.is_closed
        self.is_ended = True

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("203.0.113.7", 4711) if name == "peername" else default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


def door_on_wire(house: House) -> tuple[Door, Wire]:
    """Give a door with a connection that was just made."""
    door, wire = Door(house), Wire()
    door.connection_made(wire)
    return door, wire


def statuses(sent: bytes) -> list[int]:
    """Read the statuses of a sequence of answers, by their lengths."""
    found = []
    while sent:
        head, blank, sent = sent.partition(b"\r\n\r\n")
        assert blank, head
        assert head.startswith(b"HTTP/1."), head[:80]
        status = int(head[9:12])
        found.append(status)
        lines = head.lower().split(b"\r\n")
        size = next((line[15:] for line in lines if line.startswith(b"content-length:")), b"0")
        assert len(sent) >= int(size)
        sent = sent[int(size) :]
    return found


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
