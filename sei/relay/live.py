"""Drive a live source in a thread of its own: paced by the clock, state in, FLV tags out.

The muxer writes into memory. It never opens a network output: that would hold the GIL for as long
as the peer is silent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Final

import av
from av.packet import Packet
from av.stream import Stream

from sei.errors import SourceFailed
from sei.files.output import MUX_OPTIONS
from sei.files.packet import new_extradata, with_bytes
from sei.flv.tags import Tag, TagParser
from sei.inputs.looped import LiveSource
from sei.insertion.rewrite import Rewriter

_BUFFER_BYTES: Final = 1 << 20
"""One write for each packet, also for a large keyframe."""
_MAX_LAG_S: Final = 2.0

Messages = Callable[[], tuple[bytes, ...]]
Publish = Callable[[list[Tag]], None]


class _Memory:
    """Where the muxer writes: a file that cannot seek, emptied after each packet."""

    def __init__(self) -> None:
        self._written: Final = bytearray()

    def write(self, chunk: bytes) -> int:
        self._written.extend(chunk)
        return len(chunk)

    def drain(self) -> bytes:
        chunk = bytes(self._written)
        self._written.clear()
        return chunk


class Pacer:
    """Holds packets back until their time; a source that fell far behind is not raced after."""

    def __init__(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop: Final = stop
        self._clock: Final = clock
        self._start: float | None = None

    def wait_until(self, stream_s: float) -> bool:
        """Wait for a time of the stream; tell whether to go on."""
        now = self._clock()
        if self._start is None or now - self._start - stream_s > _MAX_LAG_S:
            self._start = now - stream_s
        delay = self._start + stream_s - now
        return not (self._stop.wait(delay) if delay > 0 else self._stop.is_set())


def run_live(
    source: LiveSource, messages: Messages, publish: Publish, stop: threading.Event
) -> None:
    """Play a source until told to stop; blocks, so it wants a thread.

    Args:
        source: where the packets come from.
        messages: gives those of the newest snapshot; asked for each picture.
        publish: takes the tags of each packet; it may block, and so slows the source down.
        stop: ends it within one packet.

    Raises:
        BadMedia: the source cannot be read.
        SourceFailed: it broke off.
    """
    memory, parser, pacer = _Memory(), TagParser(), Pacer(stop)
    try:
        with av.open(
            memory,
            "w",
            format="flv",
            container_options={**MUX_OPTIONS, "flvflags": "no_duration_filesize"},
            buffer_size=_BUFFER_BYTES,
        ) as output:
            rewriter, packets = source.start(output)
            output.start_encoding()
            for packet in packets:
                if not pacer.wait_until(_decoded_s(packet)):
                    return
                output.mux_one(_rewritten(packet, rewriter, messages()))
                tags = parser.feed(memory.drain())
                if tags:
                    publish(tags)
    except av.FFmpegError as error:
        raise SourceFailed(f"the source broke off: {error.strerror}") from error
    raise SourceFailed("the source ended")


def _rewritten(
    packet: Packet[Stream], rewriter: Rewriter, messages: tuple[bytes, ...]
) -> Packet[Stream]:
    if packet.stream.type != "video":
        return packet
    extradata = new_extradata(packet)
    if extradata is not None:
        rewriter.reconfigure(extradata)
    done = rewriter.rewrite(
        bytes(packet),
        dts_ms=_decoded_s(packet) * 1000,
        is_keyframe=packet.is_keyframe,
        messages=messages,
    )
    made = with_bytes(packet, done.packet)
    made.stream = packet.stream
    return made


def _decoded_s(packet: Packet[Stream]) -> float:
    return float((packet.dts or 0) * Fraction(packet.time_base))
