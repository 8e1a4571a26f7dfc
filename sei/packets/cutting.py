"""What FFmpeg's FLV muxer writes, cut into tags. Pure.

| first byte of a video body | second | what |
| --- | --- | --- |
| `0x80` set: enhanced, type in the low 4 bits | | 0 configuration, 1 and 3 picture, 2 end |
| else the codec in the low 4 bits | 0, 1, 2 | configuration, picture, end |

Bits 4 to 6 are 1 in a keyframe. Of sound, only AAC (codec 10) has a configuration: second byte 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO

FILE_HEADER_BYTES: Final = 13
_BODY: Final = 11
_AROUND_BYTES: Final = 15
_HALF: Final = 1 << 31
"""FFmpeg's timestamps wrap here, FLV's at twice as much."""
_ENHANCED: Final = 0x80
_AAC: Final = 10
_CONFIGURATION: Final = 0
_PICTURES: Final = (1, 3)
_END: Final = 2


class Place(Protocol):
    """Gives the time of a tag."""

    def __call__(self, written_ms: int, *, is_configuration: bool) -> int:
        """Turn the muxer's time in ms into that of the output."""
        ...


class OutputTimes:
    """Times of one track's tags, which never fall, over runs of the muxer and its wraps."""

    def __init__(self) -> None:
        self._last_ms = 0

    def place(self, written_ms: int, *, is_configuration: bool) -> int:
        """Give the time of a tag, modulo 2^32; what begins a run bears none of its own."""
        if not is_configuration:
            ahead_ms = (written_ms - self._last_ms + _HALF // 2) % _HALF - _HALF // 2
            self._last_ms += max(0, ahead_ms)
        return self._last_ms & 0xFFFFFFFF

    def reach(self, time_us: int) -> None:
        """Go on to when a track begins, so that its configuration is not older than all else."""
        self.place(time_us // 1000 % _HALF, is_configuration=False)


def cut(stream: bytes, place: Place) -> Iterator[StreamTag]:
    """Cut whole tags; those that end a sequence are left out, for none ends here."""
    at = 0
    while at < len(stream):
        end = at + _AROUND_BYTES + int.from_bytes(stream[at + 1 : at + 4], "big")
        part = _part(stream, at)
        if stream[at] != VIDEO or part != _END:
            yield _tag(stream[at:end], part, place)
        at = end


def is_picture(tag: StreamTag) -> bool:
    """Tell whether a tag holds a picture."""
    return tag.kind == VIDEO and _part(tag.encoded, 0) in _PICTURES


def _part(stream: bytes, at: int) -> int:
    """Say what the body of a tag holds, as the table has it; sound is 1 but for AAC's first."""
    first, second = stream[at + _BODY], stream[at + _BODY + 1]
    if stream[at] == AUDIO:
        return second if first >> 4 == _AAC else _PICTURES[0]
    return first & 0xF if first & _ENHANCED else second


def _tag(encoded: bytes, part: int, place: Place) -> StreamTag:
    kind = encoded[0]
    configures = kind == SCRIPT or part == _CONFIGURATION
    is_keyframe = kind == VIDEO and part in _PICTURES and encoded[_BODY] >> 4 & 7 == 1
    written_ms = encoded[7] << 24 | int.from_bytes(encoded[4:7], "big")
    time_ms = place(written_ms, is_configuration=configures)
    if time_ms != written_ms:
        time = time_ms.to_bytes(4, "big")
        encoded = encoded[:4] + time[1:] + time[:1] + encoded[8:]
    return StreamTag(kind, time_ms, configures, is_keyframe, encoded)
