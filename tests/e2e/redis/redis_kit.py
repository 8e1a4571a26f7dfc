"""What the tests of the Redis store share: opening one, a faulty way to it, a listener."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from room.errors import Unavailable
from store.backend import Backend
from store.bus import Bus, Notice, Voices
from store.redis import open_redis
from store.redis.address import Address
from store.redis.link import Link
from tests.redis_server import wall_clock_ms

T = TypeVar("T")

PATIENCE_S = 20.0
"""Only what is broken takes so long; a default client takes three times that to see a dead end."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Backend]:
    backend = await open_redis(url, wall_clock_ms)
    try:
        yield backend
    finally:
        await backend.store.close()


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[Link]:
    link = Link(Address(url))
    try:
        yield link
    finally:
        await link.close()


async def when_available(call: Callable[[], Awaitable[T]]) -> T:
    """Call again and again while the store is unavailable."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(0.01)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what a server comes to by itself."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)


class Proxy:
    """Passes bytes on, and swallows or holds replies when told to."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self.port = 0
        self.swallowed = asyncio.Event()
        self._swallow = False
        self._cut = False
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Proxy]:
        proxy = cls(port)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            proxy.cut()
            proxy._open.set()
            await server.wait_closed()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def swallow_next_reply(self, *, cut: bool) -> None:
        """Drop what the server says next; then cut the connection, or leave it silent."""
        self.swallowed.clear()
        self._swallow, self._cut = True, cut

    def hold_replies(self) -> None:
        """Let commands pass and keep replies back."""
        self._open.clear()

    def release_replies(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers |= {writer, server_writer}
        with suppress(OSError):
            await asyncio.gather(
                self._pass_commands(reader, server_writer),
                self._pass_replies(server_reader, writer),
            )
        for end in (writer, server_writer):
            end.close()
            self._writers.discard(end)

    async def _pass_commands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def _pass_replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while chunk := await reader.read(65536):
            await self._open.wait()
            if self._swallow:
                self._swallow = False
                self.swallowed.set()
                if self._cut:
                    break
                continue
            writer.write(chunk)
            await writer.drain()
        writer.close()


class Heard:
    """A listener that notes what it is told."""

    def __init__(self) -> None:
        self.notices: asyncio.Queue[Notice] = asyncio.Queue()
        self.voices: asyncio.Queue[Voices] = asyncio.Queue()
        self.gaps: asyncio.Queue[None] = asyncio.Queue()

    def on_notice(self, notice: Notice) -> None:
        self.notices.put_nowait(notice)

    def on_voices(self, voices: Voices) -> None:
        self.voices.put_nowait(voices)

    def on_gap(self) -> None:
        self.gaps.put_nowait(None)


@asynccontextmanager
async def listening(bus: Bus, listener: Heard) -> AsyncIterator[None]:
    """Run a bus; the first subscription is in force when this is entered."""
    task = asyncio.create_task(bus.run(listener))
    try:
        await soon(listener.gaps.get())
        yield
        assert not task.done(), "the bus has ended by itself"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def soon(awaitable: Awaitable[T]) -> T:
    """Await what must not hang."""
    async with asyncio.timeout(PATIENCE_S):
        return await awaitable


class Lines(logging.Handler):
    """Log records as events."""

    def __init__(self) -> None:
        super().__init__()
        self.records: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.put_nowait(record.getMessage())
