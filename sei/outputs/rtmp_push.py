"""Push a stream onward to an RTMP server, for as long as it takes.

A push never waits for its server and never delays anybody else: what waits is bounded, each step of
the server has its time-out, and after a failure it connects anew.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from sei.backoff import Backoff
from sei.counts import Counts
from sei.errors import BadRtmp, RtmpFailed
from sei.flv.stream_tag import StreamTag
from sei.rtmp.address import parse_rtmp
from sei.rtmp.backlog import MAX_BYTES, Backlog
from sei.rtmp.link import Link, failed_by, linked
from sei.rtmp.session import Ended

_log: Final = logging.getLogger(__name__)
_TAG_HEADER_BYTES: Final = 11
_SIZE_BYTES: Final = 4
_MAX_STATE_CHARACTERS: Final = 200
_TIMES: Final = 1 << 32


class PushTiming(NamedTuple):
    """How long a push waits for what."""

    open_timeout_s: float = 10.0
    """For everything from the connection to the server's leave to publish."""
    stall_s: float = 10.0
    """A server that reads nothing for this long is given up."""
    drain_s: float = 5.0
    """At the end, until the server has all."""


class RtmpPush:
    """A ``TagSink`` that publishes to an RTMP server.

    A publication begins with metadata, configurations and a keyframe, at time 0. ``counts`` gets
    the state under ``shown``: ``connecting``, ``live``, ``closed``, or code and text of the last
    failure until it is live again.

    Args:
        address: ``rtmp[s]://host[:port]/app[/instance]/key[?query]``.
        counts: of the stream; what happens here is written there.
        shown: what it is called; unless given, its address as it may be shown.
        timing: how long to wait for what.
        backoff: how long to wait between attempts.
        max_bytes: what may wait for the server.

    Raises:
        BadMedia: the address is malformed.
    """

    def __init__(
        self,
        address: str,
        counts: Counts,
        *,
        shown: str | None = None,
        timing: PushTiming | None = None,
        backoff: Backoff | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._address: Final = parse_rtmp(address)
        self._counts: Final = counts
        self.shown: Final = shown or self._address.shown
        """What it is called for logs and people."""
        self._timing: Final = timing or PushTiming()
        self._backoff: Final = backoff or Backoff()
        self._backlog: Final = Backlog(max_bytes)
        self._wake: Final = asyncio.Event()
        self._closing: Final = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._live_at_s = math.inf

    def start(self) -> None:
        """Begin to connect, in a task of its own."""
        self._show("connecting")
        self._task = asyncio.create_task(self._run(), name=f"push to {self.shown}")
        self._task.add_done_callback(self._ended)

    def publish(self, tags: Sequence[StreamTag]) -> None:
        """Take what came in at once."""
        skips = self._backlog.skips
        for tag in tags:
            self._backlog.offer(tag)
        self._counts.skips += self._backlog.skips - skips
        self._wake.set()

    def break_off(self) -> None:
        """Hear that the input broke off: go on with a keyframe."""
        self._backlog.break_off()

    async def close(self) -> None:
        """Send what waits, take leave of the server, and end; within the drain time-out.

        Cancelling it cuts that short.

        Raises:
            Exception: a fault of the push itself, which ended it.
        """
        self._closing.set()
        self._wake.set()
        if self._task is None:
            return
        task, self._task = self._task, None
        try:
            await asyncio.wait({task}, timeout=self._timing.drain_s)
        finally:
            task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
        self._show("closed")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing.is_set():
            self._live_at_s = math.inf
            try:
                await self._session()
            except (BadRtmp, RtmpFailed) as error:
                self._tell(error)
            finally:
                self._backlog.hold()
            await self._pause(self._backoff.next_s(loop.time() - self._live_at_s))

    async def _pause(self, delay_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._closing.wait()

    async def _session(self) -> None:
        """Publish once; return when all is sent and the push is to end."""
        limits = {"open_timeout_s": self._timing.open_timeout_s, "stall_s": self._timing.stall_s}
        async with linked(self._address, "publish", **limits) as (link, _):
            self._live_at_s = asyncio.get_running_loop().time()
            self._show("live")
            self._backlog.flow()
            listening = asyncio.create_task(_listen(link))
            sending = asyncio.create_task(self._send(link))
            try:
                await asyncio.wait((listening, sending), return_when=asyncio.FIRST_COMPLETED)
            finally:
                listening.cancel()
                sending.cancel()
                heard, sent = await asyncio.gather(listening, sending, return_exceptions=True)
            for failure in (heard, sent):  # what the server said explains why it broke off
                if isinstance(failure, Exception) and sent is not None:
                    raise failure
            with suppress(RtmpFailed):  # the server has all, whatever it says now
                await link.hang_up()

    async def _send(self, link: Link) -> None:
        """Send what comes; return when the push is to end and all is sent."""
        base_ms: int | None = None
        now_ms = 0
        while True:
            batch = self._backlog.take()
            if not batch and self._closing.is_set():
                break
            if not batch:
                self._wake.clear()
                await self._wake.wait()
            for tag in batch:
                if not tag.is_configuration:  # else its time may be older than the publication
                    base_ms = tag.timestamp_ms if base_ms is None else base_ms
                    now_ms = (tag.timestamp_ms - base_ms) % _TIMES
                body = tag.encoded[_TAG_HEADER_BYTES:-_SIZE_BYTES]
                link.session.send_tag(tag.kind, now_ms, body)
            await link.flush()
        link.session.finish()
        await link.flush()

    def _show(self, state: str) -> None:
        self._counts.outputs[self.shown] = state[:_MAX_STATE_CHARACTERS]

    def _tell(self, error: BadRtmp | RtmpFailed) -> None:
        """Show a failure; log it, unless it is the one of before."""
        before = self._counts.outputs.get(self.shown)
        self._show(f"{error.code}: {error.message}")
        if self._counts.outputs[self.shown] != before:
            _log.warning("push to %s: %s", self.shown, error.message)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Tell of a fault at once, not when the push is closed."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.error("push to %s ended by a fault", self.shown, exc_info=fault)
            self._show(f"UNAVAILABLE: ended by a fault: {type(fault).__name__}")


async def _listen(link: Link) -> None:
    """Answer the server; raise what it refuses, or its end."""
    while True:
        for event in await link.receive():
            if isinstance(event, Ended):
                raise failed_by(event)
