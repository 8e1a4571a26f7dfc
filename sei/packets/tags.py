"""An output of FLV tags: players over HTTP, RTMP onward, FLV files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import SCRIPT, VIDEO, Tag, is_configuration, read_video
from sei.packets.backlog import Gate
from sei.packets.handover import Handover, Timed
from sei.packets.layout import VIDEO_TRACK, Item, Layout
from sei.packets.muxed import Runs, Say

_FILE_HEADER_BYTES: Final = 13
_TAG_HEADER_BYTES: Final = 11
_AROUND_BYTES: Final = 15
_HALF: Final = 1 << 31
"""FFmpeg's timestamps wrap here, FLV's at twice as much."""
_END_OF_SEQUENCE: Final = 2
_ENHANCED: Final = 0x80
_CODEC_IDS: Final = (7, 12)


class TagOutput:
    """Muxes FLV in memory and hands its tags over; runs follow on each other unnoticed.

    Args:
        handover: to the event loop.
        gate: what to leave out when the loop is behind.
        say: told of the output's state.
    """

    wants_in_band: Final = False

    def __init__(self, handover: Handover, gate: Gate, say: Say) -> None:
        self._handover: Final = handover
        self._gate: Final = gate
        self._runs: Final = Runs("flv", "flv", say, self._begin)
        self._read_s: Final[deque[float]] = deque(maxlen=4096)
        self._is_header_due = False
        self._last_ms = self._turns = 0

    def write(self, item: Item, layout: Layout) -> None:
        """Take a packet."""
        if not self._gate.admits(item):
            return
        if item.track == VIDEO_TRACK:
            self._read_s.append(item.read_s)
        self._runs.write(item, layout, self._emit)

    def close(self) -> None:
        """Hand over what the muxer holds."""
        self._runs.end(self._emit)

    def _begin(self) -> None:
        self._is_header_due = True
        while len(self._read_s) > 1:  # of a run that was given up
            self._read_s.popleft()

    def _emit(self, stream: bytes) -> None:
        if stream and self._is_header_due:
            self._is_header_due = False
            stream = stream[_FILE_HEADER_BYTES:]
        tags = [self._timed(tag) for tag in cut(stream, self._place)]
        if tags:
            self._handover.push(tags)

    def _timed(self, tag: StreamTag) -> Timed:
        is_picture = tag.kind == VIDEO and not tag.is_configuration
        return Timed(tag, self._read_s.popleft() if is_picture and self._read_s else None)

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


def _ends_sequence(body: bytes) -> bool:
    if body[0] & _ENHANCED:
        return body[0] & 0xF == _END_OF_SEQUENCE
    return body[0] & 0xF in _CODEC_IDS and body[1] == _END_OF_SEQUENCE
