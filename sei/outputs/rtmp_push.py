"""Push a stream onward to an RTMP server, for as long as it takes.

A push never waits for its server and never delays anybody else: what waits is bounded, each step of
the server has its time-out, and after a failure it connects anew.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from sei.errors import BadRtmp, RtmpFailed
from sei.flv.stream_tag import StreamTag
from sei.relay.counts import Counts
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
    first_delay_s: float = 0.5
    """Before the second attempt; each time twice as long, a random part of up to half less."""
    max_delay_s: float = 30.0
    settled_s: float = 10.0
    """A publication that lasted this long lets the delays begin again."""


class RtmpPush:
    """A ``TagSink`` that publishes to an RTMP server.

    A publication begins with metadata, configurations and a keyframe, at time 0. ``counts`` gets
    the state under the address as it may be shown: ``connecting``, ``live``, ``closed``, or code
    and text of the last failure until it is live again.

    Args:
        address: ``rtmp[s]://host[:port]/app[/instance]/key[?query]``.
        counts: of the stream; what happens here is written there.
        timing: how long to wait for what.
        rng: for the delays.
        max_bytes: what may wait for the server.

    Raises:
        BadMedia: the address is malformed.
    """

    def __init__(
        self,
        address: str,
        counts: Counts,
        *,
        timing: PushTiming | None = None,
        rng: random.Random | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._address: Final = parse_rtmp(address)
        self._counts: Final = counts
        self._timing: Final = timing or PushTiming()
        self._rng: Final = rng or random.Random()  # noqa: S311 - spreads attempts, guards nothing
        self._backlog: Final = Backlog(max_bytes)
        self._wake: Final = asyncio.Event()
        self._closing: Final = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._live_at_s: float | None = None

    @property
    def shown(self) -> str:
        """The address as it may be shown."""
        return self._address.shown

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
        delay_s = self._timing.first_delay_s
        while not self._closing.is_set():
            self._live_at_s = None
            try:
                await self._session()
            except (BadRtmp, RtmpFailed) as error:
                self._show(f"{error.code}: {error.message}")
                _log.warning("push to %s: %s", self.shown, error.message)
            finally:
                self._backlog.hold()
            if self._live_at_s and loop.time() - self._live_at_s > self._timing.settled_s:
                delay_s = self._timing.first_delay_s
            await self._pause(delay_s * self._rng.uniform(0.5, 1))
            delay_s = min(2 * delay_s, self._timing.max_delay_s)

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
            both = {listening, sending}
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                results = await asyncio.gather(*both, return_exceptions=True)
            for result in results:
                if isinstance(result, Exception):
                    raise result
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
