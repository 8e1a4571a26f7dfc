"""One run of one of FFmpeg's muxers: packets in, bytes of a container out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import av
from av.packet import Packet
from av.stream import Stream

from sei.packets.layout import US_PER_S, Item, Layout, TrackSpec
from sei.packets.memory import BUFFER_BYTES, Memory

_INTERLEAVE: Final = {"max_interleave_delta": "200000"}
"""In µs. By default a declared but silent sound track holds the video back for 10 s."""
_FRAGMENTED: Final = {
    # Each track's time as it is ("frag_discont"); else each would begin at 0, and what begins
    # together be apart. They are never negative.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+frag_discont",
    "frag_duration": "10000000",  # in µs; bounds what waits where no keyframe comes
    "use_editlist": "0",
    "avoid_negative_ts": "disabled",
}
OPTIONS: Final[dict[str, dict[str, str]]] = {
    "flv": {"flvflags": "no_duration_filesize"},
    "mpegts": {"avoid_negative_ts": "disabled"},
    "mp4": _FRAGMENTED,
    "matroska": {"live": "1", "cluster_time_limit": "2000", "avoid_negative_ts": "disabled"},
}
_IN_BAND: Final = frozenset({"mpegts"})
_TIMES_MAY_REPEAT: Final = frozenset({"flv"})
_TRANSPORT_STREAM_SOUND: Final = frozenset(
    {"aac", "aac_latm", "mp3", "mp2", "ac3", "eac3", "dts", "opus"}
)
_FLV_TRACKS: Final = 2
_LEARNS_FROM_PACKETS: Final = frozenset({"ac3", "eac3"})


def wants_in_band(format_name: str) -> bool:
    """Tell in which form a container takes packets."""
    return format_name in _IN_BAND


class _Line:
    """A track of the output."""

    __slots__ = ("base", "last", "per", "scale", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.base = Fraction(1, 1000)
        self.scale = self.per = 1
        self.last: int | None = None

    def start(self) -> None:
        """Take the time base that the muxer chose with its header."""
        self.base = self.stream.time_base or self.base
        self.scale, self.per = self.base.denominator, self.base.numerator * US_PER_S

    def ticks(self, time_us: int) -> int:
        return (2 * time_us * self.scale + self.per) // (2 * self.per)


class Run:
    """An open muxer.

    Args:
        format_name: FFmpeg's name of the container.
        layout: the tracks.
        options: beside those of the container.
        only: the number of the one track to take; None: all that fit.

    Raises:
        av.FFmpegError: the muxer refuses the tracks.
        ValueError: it cannot hold the video, or nothing of it.
    """

    def __init__(
        self,
        format_name: str,
        layout: Layout,
        options: dict[str, str] | None = None,
        *,
        only: int | None = None,
    ) -> None:
        self.specs: Final = layout.specs
        self.left_out: Final[list[str]] = []
        self._strict: Final = format_name not in _TIMES_MAY_REPEAT
        self._in_band: Final = wants_in_band(format_name)
        self._begins_at_zero: Final = format_name == "mp4" and not options
        """A file of its own, no segment that follows on another."""
        self._origin_us: int | None = None
        self._memory: Final = Memory()
        chosen = {**_INTERLEAVE, **OPTIONS[format_name], **(options or {})}
        if any(spec.codec in _LEARNS_FROM_PACKETS for spec in layout.specs):
            flags = chosen.get("movflags")
            chosen |= {"movflags": f"{flags}+delay_moov"} if flags else {}
        self._output: Final = av.open(
            self._memory,
            "w",
            format=format_name,
            container_options=chosen,
            buffer_size=BUFFER_BYTES,
        )
        self._lines: Final[dict[int, _Line]] = {}
        tracks = zip(layout.specs, layout.templates, strict=True)
        for number, (spec, template) in enumerate(tracks):
            if only in (None, number):
                self._add(format_name, number, spec, template)
        if not self._lines:
            raise ValueError(f"{format_name} cannot hold the track")
        self._output.start_encoding()
        for line in self._lines.values():
            line.start()

    def write(self, item: Item) -> bytes:
        """Mux a packet; give what the muxer lets go, which may be of earlier ones.

        Raises:
            av.FFmpegError: the muxer refuses it.
        """
        line = self._lines.get(item.track)
        if line is None:
            return b""
        if self._origin_us is None:
            self._origin_us = item.dts_us if self._begins_at_zero else 0
        if item.dts_us < self._origin_us:  # sound from before the keyframe that the run begins with
            return b""
        packet: Packet[Stream] = Packet(item.in_band if self._in_band else item.boxed)
        decoded = line.ticks(item.dts_us - self._origin_us)
        if line.last is not None:
            decoded = max(decoded, line.last + self._strict)
        line.last = decoded
        presented = line.ticks(item.pts_us - self._origin_us)
        packet.dts, packet.pts = decoded, max(decoded, presented)
        packet.duration = line.ticks(item.duration_us)
        packet.time_base = line.base
        packet.is_keyframe = item.is_keyframe or line.stream.type == "audio"
        for side in item.side:
            side.to_packet(packet)
        packet.stream = line.stream
        self._output.mux_one(packet)
        return self._memory.drain()

    def begin(self) -> bytes:
        """Give what stands before any packet."""
        return self._memory.drain()

    def close(self) -> bytes:
        """End the run; give what was left in the muxer.

        Raises:
            av.FFmpegError: it cannot be ended well.
        """
        self._output.close()
        return self._memory.drain()

    def _add(self, format_name: str, number: int, spec: TrackSpec, template: Stream) -> None:
        if spec.kind == "audio" and not self._fits(format_name, spec):
            if spec.rate_hz:  # else it may yet begin
                self.left_out.append(f"{number}:{spec.codec}")
            return
        try:
            added = self._output.add_stream_from_template(template, opaque=True)
        except ValueError:
            if spec.kind == "video":
                raise
            self.left_out.append(f"{number}:{spec.codec}")
            return
        context: Any = added.codec_context
        if spec.configuration:
            context.extradata = spec.configuration
        if spec.kind == "video":
            context.width, context.height = spec.width, spec.height
        elif spec.rate_hz != context.sample_rate:
            context.sample_rate, context.layout = spec.rate_hz, spec.channels
        self._lines[number] = _Line(added)

    def _fits(self, format_name: str, spec: TrackSpec) -> bool:
        if not spec.rate_hz:
            return False
        if format_name == "flv":
            return len(self._lines) < _FLV_TRACKS
        if spec.codec == "aac" and not spec.configuration:
            return False  # nobody could decode it there
        return format_name != "mpegts" or spec.codec in _TRANSPORT_STREAM_SOUND
