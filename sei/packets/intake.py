"""Packets of one life of an input, from the demuxer to their place on the stream's time line.

Nothing goes on before a keyframe with its parameter sets is there. Then packets wait until every
sound track has begun, 200 ms at most (of a transport stream 1 s), so that all begin together and
none runs back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Final, NamedTuple

from av.packet import Packet, PacketSideData
from av.stream import Stream

from sei.counts import Counts
from sei.errors import BadMedia, SourceFailed
from sei.packets.clock import StreamClock, Times
from sei.packets.layout import US_PER_S, VIDEO_TRACK, Layout
from sei.packets.opening import Feed
from sei.packets.tracks import AudioTrack, VideoTrack

HOLD_US: Final = 200_000
LATE_HOLD_US: Final = 1_000_000
_LATE: Final = frozenset({"mpegts", "hls"})
"""Their muxers collect sound for half a second and send it in one piece behind its pictures."""
MAX_HELD: Final = 512
MAX_EARLY_US: Final = 500_000
"""Sound from before the first keyframe that is still worth having."""
MAX_WITHOUT_PICTURE_S: Final = 30.0
MAX_WITHOUT_KEYFRAME: Final = 3_000
"""Pictures; two minutes of a slow stream, one of a fast one."""
TOLD_WITHOUT_KEYFRAME: Final = 200
_ENCRYPTED: Final = ("encryption_info", "encryption_init_info")
_NO_SIDE: Final[tuple[PacketSideData, ...]] = ()
_NEW_EXTRADATA: Final = "new_extradata"


class Placed(NamedTuple):
    """A packet with its times."""

    track: int
    times: Times
    duration_us: int
    is_keyframe: bool
    may_begin: bool
    content: bytes
    side: tuple[PacketSideData, ...]


class _Waiting(NamedTuple):
    track: int
    dts_us: int
    pts_us: int | None
    duration_us: int
    is_keyframe: bool
    content: bytes
    side: tuple[PacketSideData, ...]


class Intake:
    """Judges, counts and places packets.

    Args:
        feed: the open input.
        clock: of the stream, told that a life begins.
        counts: of the stream.
        now: seconds that never run back.
    """

    def __init__(
        self, feed: Feed, clock: StreamClock, counts: Counts, now: Callable[[], float]
    ) -> None:
        self._clock: Final = clock
        self._counts: Final = counts
        self._now: Final = now
        self.video: Final = VideoTrack(feed.video, feed.codec)
        self.sounds: Final = tuple(AudioTrack(stream) for stream in feed.others)
        streams = (feed.video, *feed.others)
        self._number: Final = {stream.index: at for at, stream in enumerate(streams)}
        bases = (stream.time_base or Fraction(1, 1000) for stream in streams)
        # A packet would make a fraction of its own each time it is asked.
        self._ticks: Final = [(base.numerator * US_PER_S, base.denominator) for base in bases]
        self._waiting: Final[deque[_Waiting]] = deque(maxlen=MAX_HELD)
        self._last_dts_us: Final[dict[int, int]] = {}
        self._hold_us: Final = LATE_HOLD_US if feed.container.format.name in _LATE else HOLD_US
        self._key_dts_us: int | None = None
        self._began = False
        self._layout = Layout((), ())
        self._left_out: Final = feed.left_out
        self._skipped = 0
        self._picture_s = now()
        clock.restart()

    @property
    def layout(self) -> Layout:
        """The tracks as they are now; valid while the input is open."""
        tracks: tuple[VideoTrack | AudioTrack, ...] = (self.video, *self.sounds)
        known = self._layout.specs
        if len(known) != len(tracks) or any(
            track.spec is not spec for track, spec in zip(tracks, known, strict=True)
        ):
            specs = tuple(track.spec for track in tracks)
            templates = tuple(track.stream for track in tracks)
            self._layout = Layout(specs, templates, self._left_out)
        return self._layout

    def take(self, packet: Packet[Stream]) -> list[Placed]:
        """Take the next packet; give those that may go on.

        Raises:
            BadMedia: the samples are encrypted.
            SourceFailed: the pictures have ended, or no decoder could ever start.
        """
        number = self._number.get(packet.stream.index)
        if packet.size == 0 or number is None:
            return []
        self._count(packet, is_video=number == VIDEO_TRACK)
        waiting = self._read(packet, number)
        if self._began:
            return self._place([waiting])
        return self._begin(waiting)

    def drain(self) -> list[Placed]:
        """Give what waited for a beginning when the input ends."""
        return [] if self._began else self._release()

    def _count(self, packet: Packet[Stream], *, is_video: bool) -> None:
        self._counts.bytes_in += packet.size
        if is_video:
            self._counts.video_packets += 1
            self._picture_s = self._now()
            return
        self._counts.other_packets += 1
        if self._now() - self._picture_s > MAX_WITHOUT_PICTURE_S:
            raise SourceFailed(f"no picture for {MAX_WITHOUT_PICTURE_S:.0f} s, only sound")

    def _read(self, packet: Packet[Stream], number: int) -> _Waiting:
        content, found, side = bytes(packet), None, _NO_SIDE
        for item in packet.iter_sidedata():
            if item.data_type in _ENCRYPTED:
                raise BadMedia("the samples are encrypted")
            if item.data_type == _NEW_EXTRADATA:
                found = bytes(item)
            else:
                side = (*side, item)
        track = self.video if number == VIDEO_TRACK else self.sounds[number - 1]
        track.examine(content, found, is_keyframe=packet.is_keyframe)
        scale, per = self._ticks[number]
        duration_us = max(0, packet.duration or 0) * scale // per
        dts = packet.pts if packet.dts is None else packet.dts
        if dts is None:
            dts_us = self._last_dts_us.get(number, 0) + max(1, duration_us)
        else:
            dts_us = (2 * dts * scale + per) // (2 * per)
        self._last_dts_us[number] = dts_us
        pts_us = None if packet.pts is None else (2 * packet.pts * scale + per) // (2 * per)
        is_keyframe = packet.is_keyframe and number == VIDEO_TRACK
        return _Waiting(number, dts_us, pts_us, duration_us, is_keyframe, content, side)

    def _begin(self, waiting: _Waiting) -> list[Placed]:
        if self._key_dts_us is None and waiting.track == VIDEO_TRACK:
            if not (waiting.is_keyframe and self.video.is_ready):
                self._skip()
                return []
            self._key_dts_us = waiting.dts_us
        if len(self._waiting) == MAX_HELD:
            self._counts.dropped += 1
        self._waiting.append(waiting)
        if self._key_dts_us is None or self._is_incomplete(waiting):
            return []
        return self._release()

    def _skip(self) -> None:
        self._counts.dropped += 1
        self._skipped += 1
        if self._skipped > MAX_WITHOUT_KEYFRAME:
            raise SourceFailed("no keyframe with its parameter sets came")
        if self._skipped == TOLD_WITHOUT_KEYFRAME:
            self._counts.error_code = SourceFailed.code
            self._counts.error = "no keyframe with its parameter sets has come yet"

    def _is_incomplete(self, waiting: _Waiting) -> bool:
        if len(self._waiting) == MAX_HELD:
            return False
        first = next(item for item in self._waiting if item.track == waiting.track)
        if abs(waiting.dts_us - first.dts_us) >= self._hold_us:
            return False
        return len({item.track for item in self._waiting}) <= len(self.sounds)

    def _release(self) -> list[Placed]:
        if self._key_dts_us is None:
            return []
        self._began = True
        floor_us = self._key_dts_us - MAX_EARLY_US
        kept = [
            item for item in self._waiting if item.track == VIDEO_TRACK or item.dts_us >= floor_us
        ]
        self._counts.dropped += len(self._waiting) - len(kept)
        self._waiting.clear()
        self._counts.input_state = "live"
        self._counts.error_code = self._counts.error = ""
        placed = self._place(sorted(kept, key=lambda item: item.dts_us))
        return [placed[0]._replace(may_begin=True), *placed[1:]]

    def _place(self, packets: list[_Waiting]) -> list[Placed]:
        placed = []
        for item in packets:
            times = self._clock.place(item.track, item.dts_us, item.pts_us, item.duration_us)
            if times is None:
                self._counts.dropped += 1
                continue
            self._counts.repaired += times.repaired
            placed.append(
                Placed(
                    item.track,
                    times,
                    item.duration_us,
                    item.is_keyframe,
                    item.is_keyframe,
                    item.content,
                    item.side,
                )
            )
        return placed
