"""FLV tags on their way from the engine's thread to the sinks in the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from sei.counts import Counts
from sei.flv.stream_tag import StreamTag, TagSink
from sei.packets.backlog import Backlog


class Timed(NamedTuple):
    """A tag, and when the packet in it was read; None where nothing was waiting for it."""

    tag: StreamTag
    read_s: float | None


class Handover:
    """Collects tags in a thread and publishes them in the loop, one call a batch.

    Args:
        sinks: where they go.
        counts: of the stream.
        backlog: of what the loop has not taken yet.
        drained: waits until the sinks have room; None: they always have.
        now: seconds that never run back.
    """

    def __init__(
        self,
        sinks: Sequence[TagSink],
        counts: Counts,
        backlog: Backlog,
        *,
        drained: Callable[[], Awaitable[None]] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backlog: Final = backlog
        self._sinks: Final = sinks
        self._counts: Final = counts
        self._drained: Final = drained
        self._now: Final = now
        self._loop: Final = asyncio.get_running_loop()
        self._lock: Final = threading.Lock()
        self._batch: list[Timed] = []
        self._draining: asyncio.Task[None] | None = None

    def push(self, tags: list[Timed]) -> None:
        """Hand tags over; from the engine's thread."""
        self.backlog.add(sum(len(item.tag.encoded) for item in tags))
        with self._lock:
            is_first = not self._batch
            self._batch += tags
        if is_first and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._publish)

    def close(self) -> None:
        """Let go of what was still being waited for; in the loop."""
        if self._draining is not None:
            self._draining.cancel()

    def _publish(self) -> None:
        with self._lock:
            batch, self._batch = self._batch, []
        tags = [item.tag for item in batch]
        for sink in self._sinks:
            sink.publish(tags)
        now = self._now()
        for item in batch:
            if item.read_s is not None:
                self._counts.observe_delay((now - item.read_s) * 1000)
        self._took(sum(len(tag.encoded) for tag in tags))

    def _took(self, size: int) -> None:
        if self._drained is None:
            self.backlog.remove(size)
        else:
            before = self._draining
            self._draining = self._loop.create_task(self._wait(before, size), name="sinks drain")

    async def _wait(self, before: asyncio.Task[None] | None, size: int) -> None:
        if before is not None:
            await before
        if self._drained is not None:
            await self._drained()
        self.backlog.remove(size)
