"""An output of FLV tags: players over HTTP, RTMP onward, FLV files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import av

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import SCRIPT, VIDEO, Tag, is_configuration, read_video
from sei.packets.backlog import Gate
from sei.packets.handover import Handover, Timed
from sei.packets.layout import VIDEO_TRACK, Item, Layout, TrackSpec
from sei.packets.muxed import Say
from sei.packets.muxer import Run
from sei.packets.opening import reason
from sei.packets.sorter import Sorter

_FILE_HEADER_BYTES: Final = 13
_TAG_HEADER_BYTES: Final = 11
_AROUND_BYTES: Final = 15
_HALF: Final = 1 << 31
"""FFmpeg's timestamps wrap here, FLV's at twice as much."""
_END_OF_SEQUENCE: Final = 2
_ENHANCED: Final = 0x80
_PICTURES: Final = (1, 3)
"""Types of packets that hold one, the second only in enhanced tags."""
_CODEC_IDS: Final = (7, 12)


class TagOutput:
    """Muxes FLV in memory and hands its tags over; runs follow on each other unnoticed.

    Picture and sound have a muxer each, so that none waits for the other inside of it.

    Args:
        handover: to the event loop.
        gate: what to leave out when the loop is behind.
        say: told of the output's state.
    """

    wants_in_band: Final = False

    def __init__(self, handover: Handover, gate: Gate, say: Say) -> None:
        self._handover: Final = handover
        self._gate: Final = gate
        self._say: Final = say
        self._sorter = Sorter()
        self._picture: Run | None = None
        self._sound: Run | None = None
        self._sound_track = 0
        self._refused: set[TrackSpec] = set()
        self._last_ms = self._turns = 0

    def write(self, item: Item, layout: Layout) -> None:
        """Take a packet."""
        if not self._gate.admits(item):
            return
        for due in self._sorter.push(item, layout):
            self._give(*due)

    def pause(self) -> None:
        """Hand over what waits; the next life of the input shows anew how late its packets come."""
        for due in self._sorter.drain():
            self._give(*due)
        self._sorter = Sorter()

    def close(self) -> None:
        """End; nothing waits after a pause."""
        self._picture = self._sound = None

    def _give(self, item: Item, layout: Layout) -> None:
        try:
            self._follow(item, layout)
            run = self._picture if item.track == VIDEO_TRACK else self._sound
            if run is not None and (item.track in (VIDEO_TRACK, self._sound_track)):
                self._emit(run.write(item), item.read_s)
        except (av.FFmpegError, ValueError) as error:
            self._picture = None  # another run begins at the next keyframe
            self._say(f"UNAVAILABLE: the muxer gave up: {reason(error)}")

    def _follow(self, item: Item, layout: Layout) -> None:
        """Begin new runs where a track is not as it was."""
        if item.may_begin and not _holds(self._picture, VIDEO_TRACK, layout):
            run = Run("flv", layout, only=VIDEO_TRACK)
            self._begin(run)
            self._picture = run
            self._say("live")
        if self._picture is not None and not _holds(self._sound, self._sound_track, layout):
            self._begin_sound(layout)

    def _begin_sound(self, layout: Layout) -> None:
        """Take the first sound that FLV can hold."""
        self._sound = None
        for number, spec in enumerate(layout.specs):
            if spec.kind == "video" or not spec.rate_hz or spec in self._refused:
                continue
            try:
                run = Run("flv", layout, only=number)
            except (av.FFmpegError, ValueError):
                self._refused.add(spec)
                self._say(f"live, without {number}:{spec.codec}")
                continue
            self._begin(run, with_script=False)
            self._sound, self._sound_track = run, number
            return

    def _begin(self, run: Run, *, with_script: bool = True) -> None:
        tags = cut(run.begin()[_FILE_HEADER_BYTES:], self._place)
        begins = [Timed(tag, None) for tag in tags if with_script or tag.kind != SCRIPT]
        if begins:
            self._handover.push(begins)

    def _emit(self, stream: bytes, read_s: float) -> None:
        tags = [
            Timed(tag, read_s if _is_picture(tag) else None) for tag in cut(stream, self._place)
        ]
        if tags:
            self._handover.push(tags)

    def _place(self, timestamp_ms: int, *, is_configuration: bool) -> int:
        if is_configuration:  # a run's first ones bear no time
            return self._last_ms
        timestamp_ms += self._turns * _HALF
        if timestamp_ms < self._last_ms - _HALF // 2:
            self._turns += 1
            timestamp_ms += _HALF
        self._last_ms = max(timestamp_ms, self._last_ms)
        return self._last_ms


Place = Callable[..., int]


def cut(stream: bytes, place: Place) -> Iterator[StreamTag]:
    """Cut what the muxer wrote, whole tags, into tags; those that end a sequence are left out.

    Args:
        stream: from the muxer.
        place: gives the time of a tag in ms, from FFmpeg's and ``is_configuration``.
    """
    at = 0
    while at < len(stream):
        end = at + _AROUND_BYTES + int.from_bytes(stream[at + 1 : at + 4], "big")
        tag = _tag(stream[at:end], place)
        if tag is not None:
            yield tag
        at = end


def _tag(encoded: bytes, place: Place) -> StreamTag | None:
    kind, body = encoded[0], encoded[_TAG_HEADER_BYTES:-4]
    if kind == VIDEO and _ends_sequence(body):
        return None
    written_ms = encoded[7] << 24 | int.from_bytes(encoded[4:7], "big")
    tag = Tag(kind, written_ms, body)
    configures = kind == SCRIPT or is_configuration(tag)
    time_ms = place(written_ms, is_configuration=configures) & 0xFFFFFFFF
    if time_ms != written_ms:
        time = time_ms.to_bytes(4, "big")
        encoded = encoded[:4] + time[1:] + time[:1] + encoded[8:]
    video = None if configures else read_video(tag)
    is_keyframe = video is not None and video.is_keyframe and video.part == "access_unit"
    return StreamTag(kind, time_ms, configures, is_keyframe, encoded)


def _holds(run: Run | None, number: int, layout: Layout) -> bool:
    """Tell whether a run fits a track as it is now."""
    return run is not None and run.specs[number] == layout.specs[number]


def _is_picture(tag: StreamTag) -> bool:
    if tag.kind != VIDEO:
        return False
    first, second = tag.encoded[_TAG_HEADER_BYTES : _TAG_HEADER_BYTES + 2]
    return (first & 0xF in _PICTURES) if first & _ENHANCED else second == _PICTURES[0]


def _ends_sequence(body: bytes) -> bool:
    if body[0] & _ENHANCED:
        return body[0] & 0xF == _END_OF_SEQUENCE
    return body[0] & 0xF in _CODEC_IDS and body[1] == _END_OF_SEQUENCE
