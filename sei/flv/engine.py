"""Engine one: a live FLV input to sinks of tags, in the event loop, with no demuxer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from sei.counts import Counts
from sei.errors import BadMedia
from sei.flv.clock import TagClock
from sei.flv.live import LiveRewriter
from sei.flv.stream_tag import StreamTag, TagSink
from sei.flv.tags import VIDEO
from sei.insertion.cadence import Injection
from sei.insertion.supply import SupplyBox
from sei.ration import Ration
from sei.source import ByteSource, Opened

_TAKEN: Final = frozenset({"flv", "unknown"})
FOREIGN: Final = "nothing is put in: the video is neither H.264 nor HEVC, or has several tracks"
"""Such a stream passes as it is."""
_FOREIGN_PICTURES: Final = 100
_NO_PICTURE_BYTES: Final = 20
"""A tag of five bytes, header and size included."""
_PIECE_BYTES: Final = 64 * 1024
"""Of a live input at a time. Cut into tags of no bytes that is work for 10 ms."""


class FlvEngine:
    """Runs one life of an input after the other into the same sinks.

    Args:
        source: gives FLV.
        supply: the newest messages of the room.
        sinks: take every tag, in order.
        counts: of the stream; added to.
        inject: when messages go in.
        clock: of the outputs; goes on from life to life.
        now_s: a clock for delays.
        ration: of work in the loop; None for an input that is not live.
    """

    def __init__(
        self,
        source: ByteSource,
        supply: SupplyBox,
        sinks: Sequence[TagSink],
        counts: Counts,
        *,
        inject: Injection = "on",
        clock: TagClock | None = None,
        now_s: Callable[[], float] = time.perf_counter,
        ration: Ration | None = None,
    ) -> None:
        self._source: Final = source
        self._supply: Final = supply
        self._sinks: Final = sinks
        self._counts: Final = counts
        self._inject: Final = inject
        self._clock: Final = clock or TagClock()
        self._now_s: Final = now_s
        self._ration: Final = ration
        self._rest_s: float | None = None

    async def run_once(self) -> None:
        """Run one life of the input; returns where it ends. Cancelling leaves nothing open.

        Raises:
            SourceFailed: it does not answer, broke off or stalled.
            BadFlv: it is no FLV, out of step, or beyond a bound; another life may be better.
            BadMedia: no other life will be: refused address, other container, encrypted.
        """
        async with self._source.open() as opened:
            if opened.container not in _TAKEN:
                raise BadMedia(f"this engine reads FLV, and the input is {opened.container}")
            await self._run(opened)

    async def _run(self, opened: Opened) -> None:
        self._clock.restart()
        rewriter = LiveRewriter(lambda _ms: self._supply.newest.messages, self._clock, self._inject)
        async for chunk in opened.chunks:
            if self._ration is None:
                self._step(rewriter, chunk)
                continue
            for at in range(0, len(chunk), _PIECE_BYTES):
                self._step(rewriter, chunk[at : at + _PIECE_BYTES])
                if self._rest_s is not None:
                    await asyncio.sleep(self._rest_s)

    def _step(self, rewriter: LiveRewriter, chunk: bytes) -> None:
        """Take one chunk in and publish what it completes."""
        arrived_s = self._now_s()
        video, counts = rewriter.video, self._counts
        injected, removed, repaired = video.injected, video.removed, self._clock.repaired
        counts.bytes_in += len(chunk)
        tags = self._rewritten(rewriter, chunk)
        if not tags:
            return
        for sink in self._sinks:
            sink.publish(tags)
        counts.observe_delay((self._now_s() - arrived_s) * 1000)
        self._count(tags)
        if video.codec is None and counts.video_packets >= _FOREIGN_PICTURES:
            counts.error_code, counts.error = BadMedia.code, FOREIGN
        elif counts.error == FOREIGN:
            counts.error_code = counts.error = ""
        counts.codec = video.codec or counts.codec
        counts.removed += video.removed - removed
        counts.repaired += self._clock.repaired - repaired
        if video.injected != injected:
            counts.injected += video.injected - injected
            counts.epoch, counts.version = self._supply.newest[:2]

    def _rewritten(self, rewriter: LiveRewriter, chunk: bytes) -> list[StreamTag]:
        """Rewrite a chunk within the ration; what many players cost is none of the input's."""
        if self._ration is None:
            return rewriter.feed(chunk)
        self._ration.begin()
        tags = rewriter.feed(chunk)
        self._rest_s = self._ration.end()
        return tags

    def _count(self, tags: list[StreamTag]) -> None:
        pictures = sum(map(_may_be_picture, tags))
        self._counts.video_packets += pictures
        self._counts.other_packets += len(tags) - pictures
        if pictures and self._counts.input_state != "live":
            self._counts.input_state = "live"
            self._counts.error = self._counts.error_code = ""


def _may_be_picture(tag: StreamTag) -> bool:
    """Tell it from configurations, ends of sequences and empty tags; also of unknown codecs."""
    return tag.kind == VIDEO and not tag.is_configuration and len(tag.encoded) > _NO_PICTURE_BYTES
