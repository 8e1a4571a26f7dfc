"""Streams on their way from an input to an output, one packet after the other.

``flow`` runs some fifty thousand times for ten minutes of video, where FFmpeg itself takes about
6 µs a packet: times are whole numbers, and a packet that needs nothing is handed on as it came.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from av.packet import Packet
from av.stream import Stream

from sei.errors import BadMedia
from sei.files.media import Video
from sei.files.report import Meter
from sei.files.timeline import Scale, Timeline
from sei.insertion.rewrite import Rewriter
from sei.packets.packet import NEW_EXTRADATA, with_bytes

MessagesAt = Callable[[float], tuple[bytes, ...]]
"""Gives the messages of the newest snapshot at a stream time in seconds."""

LATEST_TICKS: Final = 1 << 60
"""FFmpeg's own arithmetic ends at 2^63."""

_LONGEST_TICKS: Final = (1 << 31) - 1
_METER_MASK: Final = 63
_NO_SHIFT: Final = Fraction(0)


class Track:
    """The packets of one stream, under times that the muxer takes.

    Args:
        source: a stream of the input.
        target: its place in the output.
        strict: whether the container refuses equal decoding times too.
        shift_s: by how much everything is moved.
    """

    def __init__(
        self, source: Stream, target: Stream, *, strict: bool, shift_s: Fraction = _NO_SHIFT
    ) -> None:
        old, new = time_base(source), time_base(target)
        self.target: Final = target
        self._old_base: Final = old
        self._new_base: Final = new
        self._scale: Final = Scale(old, new)
        self._timeline: Final = Timeline(new, strict=strict, offset=int(shift_s / new))
        self.step_ticks: Final = math.ceil(new / old) if strict else 0
        """How far apart decoding times must be to differ in the output."""
        self.least_ticks = LATEST_TICKS if shift_s else -LATEST_TICKS
        """The least decoding time that needs no repair."""
        self._leap_ticks: Final = _leap_ticks(source, old, new)
        """What no two packets may be apart."""
        self._repaired_ticks: int | None = None
        start_ticks = source.start_time
        self.latest_ticks = -LATEST_TICKS if start_ticks is None else start_ticks + self._leap_ticks
        """The first presentation time that needs a closer look."""
        self.last: Packet[Stream] | None = None
        """What was written last: the muxer has converted its times."""

    def repair(self, packet: Packet[Stream]) -> float:
        """Put the times of a packet right and convert them; gives its decoding time in seconds.

        Raises:
            BadMedia: they are out of all range.
        """
        dts, pts = packet.dts, packet.pts
        self._check(dts or 0, pts or 0)
        scale, timeline = self._scale, self._timeline
        if self.last is not None and self.last.dts is not None:
            timeline.follow(self.last.dts, self.last.duration or 0)
        duration = scale(packet.duration or 0)
        times = timeline.place(
            None if dts is None else scale(dts), None if pts is None else scale(pts), duration
        )
        packet.dts, packet.pts, packet.duration = times.dts, times.pts, duration
        packet.time_base = self._new_base
        # After a jump nothing can stay as it came.
        after = math.ceil(times.dts * self._new_base / self._old_base) + self.step_ticks
        self.least_ticks = LATEST_TICKS if timeline.offset else after
        if dts is not None:
            self._repaired_ticks = dts
            self.latest_ticks = min(dts + self._leap_ticks, LATEST_TICKS)
        return float(times.dts * self._new_base)

    def _check(self, dts: int, pts: int) -> None:
        """Refuse times that cannot be written.

        Raises:
            BadMedia: out of all range, or too far behind the packet before.
        """
        if max(abs(dts), abs(pts)) >= LATEST_TICKS:
            raise BadMedia("a packet's time is out of all range")
        before = self._repaired_ticks
        if abs(self.least_ticks) != LATEST_TICKS:
            before = self.least_ticks - self.step_ticks
        if before is not None and max(dts, pts) - before >= self._leap_ticks:
            raise BadMedia("a packet's time is too far behind that of the one before it")


class VideoTrack(Track):
    """Rewrites the packets of a video stream on the way, and counts.

    Args:
        video: the stream.
        rewriter: what becomes of its packets.
        messages_at: what is to go in.
        target: its place in the output.
        meter: told how far it is.
        strict: whether the container refuses equal decoding times too.
        may_change: whether a packet may bring a new decoder configuration with it.
        shift_s: by how much everything is moved.
    """

    def __init__(
        self,
        video: Video,
        rewriter: Rewriter,
        messages_at: MessagesAt,
        target: Stream,
        meter: Meter,
        *,
        strict: bool,
        may_change: bool,
        shift_s: Fraction = _NO_SHIFT,
    ) -> None:
        super().__init__(video.stream, target, strict=strict, shift_s=shift_s)
        self.access_units = self.injected = self.removed = 0
        self._rewriter: Final = rewriter
        self._change: Final = rewriter.change
        self._messages_at: Final = messages_at
        self._meter: Final = meter
        self._may_change: Final = may_change
        self._tick_s: Final = float(self._old_base)
        self._start_s: float | None = None
        self._time_s = 0.0

    @property
    def duration_s(self) -> float:
        """Stream time so far."""
        if self.last is None:
            return 0.0
        return self._time_s + float((self.last.duration or 0) * self._new_base)

    def take(self, packet: Packet[Stream], size: int) -> Packet[Stream] | None:
        """Give what is to be written in place of a packet, if anything.

        Raises:
            BadMedia: the stream cannot carry a message, or a time is out of all range.
        """
        dts, pts = packet.dts, packet.pts
        if dts is None or pts is None or not self.least_ticks <= dts <= pts < self.latest_ticks:
            decoded_s = self.repair(packet)
            base = self._new_base
        else:
            self.least_ticks = dts + self.step_ticks
            base = self._old_base
            decoded_s = dts * self._tick_s
        if self._start_s is None:
            self._start_s = decoded_s
        self._time_s = time_s = decoded_s - self._start_s
        self.access_units += 1
        if not self.access_units & _METER_MASK:
            self._meter.tell(packet.pos)
        if self._may_change:
            for item in packet.iter_sidedata():
                if item.data_type == NEW_EXTRADATA:
                    self._rewriter.reconfigure(bytes(item))
        done = self._change(
            packet, size, time_s * 1000, packet.is_keyframe, self._messages_at(time_s)
        )
        if done is None:
            return packet
        self.injected += done.injected
        self.removed += done.removed
        return with_bytes(packet, done.packet, base) if done.packet else None


def _leap_ticks(source: Stream, old: Fraction, new: Fraction) -> int:
    """Say how far apart packets are that MP4 cannot hold: it gives durations 31 bits."""
    if source.type not in ("video", "audio"):
        return LATEST_TICKS
    return min(LATEST_TICKS, int((_LONGEST_TICKS * new) / old))


def time_base(stream: Stream) -> Fraction:
    """Give the length of a tick in seconds."""
    return stream.time_base or Fraction(1, 1000)
