"""One answer of an HTTP server, as it comes in, cheap enough for hundreds of streams on one core.

A client library costs more for each piece that arrives than the rest of a stream's way together.
This has a parser in C, one queue, and one timer that is moved only when it fires.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Final, cast

import httptools

from sei.errors import SourceFailed
from sei.ration import Ration

MAX_HEAD_BYTES: Final = 32 * 1024
"""Of what comes and is no body: the head, and between pieces of the body what frames them."""
READ_AHEAD_BYTES: Final = 128 * 1024


class HttpAnswer(asyncio.Protocol):
    """Reads one answer; its body is given in the pieces in which it came.

    When more than ``READ_AHEAD_BYTES`` wait, the peer has to.

    Args:
        request: what is sent.
        stall_timeout_s: the longest silence, that before the answer included.
    """

    def __init__(self, request: bytes, stall_timeout_s: float) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self._request: Final = request
        self._stall_timeout_s: Final = stall_timeout_s
        self._parser: Final = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard_s = self._loop.time()
        self._queue: Final[deque[bytes]] = deque()
        self._queued_bytes = 0
        self._bodiless_bytes = 0
        """Of what came since the last piece of body."""
        self._is_paused = False
        self._ration: Final = Ration()
        self._rests = False
        self._is_over = False
        self._error: SourceFailed | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._head: Final[asyncio.Future[None]] = self._loop.create_future()
        self.status = 0
        self.headers: Final[dict[str, str]] = {}
        """By their names in lower case; the last of several counts."""

    async def head(self) -> None:
        """Wait for status and headers.

        Raises:
            SourceFailed: there is none, or it is not HTTP.
        """
        await self._head

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Give the body.

        Raises:
            SourceFailed: it broke off, or was silent for too long.
        """
        while True:
            if self._queue:
                chunk = self._queue.popleft() if len(self._queue) == 1 else b"".join(self._queue)
                self._queue.clear()
                self._queued_bytes = 0
                self._resume()
                yield chunk
            elif self._error is not None:
                raise self._error
            elif self._is_over:
                return
            else:
                self._waiter = self._loop.create_future()
                await self._waiter

    def close(self) -> None:
        """Break the connection off."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        if not self._head.done():
            self._head.cancel()
        elif not self._head.cancelled():
            self._head.exception()  # whoever closes has heard enough

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)
        self._heard_s = self._loop.time()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Parse what came in."""
        self._heard_s = self._loop.time()
        self._bodiless_bytes += len(data)
        self._ration.begin()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("the input does not answer in HTTP")
        if self._bodiless_bytes > MAX_HEAD_BYTES:  # trailers, extensions of chunks too
            self._fail("the input answers with endless headers")
        rest_s = self._ration.end()
        if rest_s:
            self._rest(rest_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the body, if the end of the connection is its end."""
        bounded = self.headers.keys() & {"content-length", "transfer-encoding"}
        if exc is not None or not self._head.done() or (bounded and not self._is_over):
            self._fail("the input broke off")
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, no trailer (httptools)."""
        if self._head.done():
            return
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Let the head be read, unless another follows (httptools)."""
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self.headers.clear()
        elif not self._head.done():
            self._head.set_result(None)

    def on_body(self, body: bytes) -> None:
        """Queue a piece (httptools)."""
        self._bodiless_bytes = 0
        self._queue.append(body)
        self._queued_bytes += len(body)
        if self._queued_bytes > READ_AHEAD_BYTES:
            self._pause()
        self._wake()

    def on_message_complete(self) -> None:
        """End the body (httptools)."""
        if self.status >= 200:
            self._is_over = True
            self._wake()

    def _rest(self, rest_s: float) -> None:
        """Take nothing for a while: what came was more work than its share."""
        self._rests = True
        self._pause()
        self._loop.call_later(rest_s, self._go_on)

    def _go_on(self) -> None:
        self._rests = False
        if self._queued_bytes <= READ_AHEAD_BYTES:
            self._resume()

    def _pause(self) -> None:
        if not self._is_paused and self._transport is not None and not self._is_over:
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and not self._rests and self._transport is not None:
            self._is_paused = False
            self._heard_s = self._loop.time()
            self._transport.resume_reading()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _watch(self) -> None:
        """Fail after a silence; while the peer has to wait it may be silent."""
        now_s = self._loop.time()
        if self._is_paused:
            self._heard_s = now_s
        due_s = self._heard_s + self._stall_timeout_s
        if now_s >= due_s:
            self._fail(f"the input is silent for {self._stall_timeout_s:g} s")
        elif not self._is_over:
            self._timer = self._loop.call_at(due_s, self._watch)

    def _fail(self, reason: str) -> None:
        if self._error is None and not self._is_over:
            self._error = SourceFailed(reason)
            if not self._head.done():
                self._head.set_exception(self._error)
            self._wake()
            if self._transport is not None:
                self._transport.abort()
