"""FLV, tag by tag: an incremental parser, and what a server of live streams writes.

| bytes | file header | tag |
| --- | --- | --- |
| 0 | `FLV` | type: 8 audio, 9 video, 18 script; 3 bits above it: 1 would mean encrypted |
| 1..3 | | size of the body |
| 3 | version, 1 | |
| 4 | flags: 4 audio, 1 video | timestamp in ms, bits 0..23, then in byte 7 bits 24..31 |
| 5..8 | offset of the body, 9 | |
| 8..10 | | stream id, 0 |
| then | size of the tag before, 4 bytes | body, then 11 + its size, 4 bytes |

Source: Adobe Flash Video File Format 10.1, annex E; Enhanced RTMP v2 for HEVC and others.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from sei.errors import BadFlv
from sei.wire.framing import Codec

AUDIO: Final = 8
VIDEO: Final = 9
SCRIPT: Final = 18
MAX_TAG_BYTES: Final = 8 * 1024 * 1024
_KINDS: Final = {AUDIO, VIDEO, SCRIPT}
FILE_HEADER_BYTES: Final = 9
MAX_FILE_HEADER_BYTES: Final = 1024
TAG_HEADER_BYTES: Final = 11
SIZE_BYTES: Final = 4
_CODEC_BY_ID: Final[dict[int, Codec]] = {7: "h264", 12: "hevc"}
_CODEC_BY_FOURCC: Final[dict[bytes, Codec]] = {b"avc1": "h264", b"hvc1": "hevc"}
_ENHANCED: Final = 0x80
_AAC: Final = 10
_KEYFRAME: Final = 1
_CODED_WITH_OFFSET: Final = 1
_CODED_WITHOUT_OFFSET: Final = 3
"""Enhanced tags only."""


Part = Literal["configuration", "access_unit", "other"]
_PARTS: Final[dict[int, Part]] = {
    0: "configuration",
    _CODED_WITH_OFFSET: "access_unit",
    _CODED_WITHOUT_OFFSET: "access_unit",
}


class Tag(NamedTuple):
    """One tag."""

    kind: int
    timestamp_ms: int
    body: bytes


class VideoBody(NamedTuple):
    """The body of a video tag that holds H.264 or HEVC."""

    codec: Codec
    part: Part
    is_keyframe: bool
    composition_ms: int
    """How much later than decoded it is shown."""
    content: bytes
    """The decoder configuration record, or length-prefixed NAL units."""


class TagParser:
    """Cuts a byte stream into tags, whatever the size of the pieces it comes in.

    Holds at most one unfinished tag. A stream that is not FLV, or whose tags do not line up, is
    given up: guessing where the next tag begins would show bytes of a picture as tags.
    """

    def __init__(self, *, max_tag_bytes: int = MAX_TAG_BYTES) -> None:
        self._max_tag_bytes: Final = max_tag_bytes
        self._buffer: Final = bytearray()
        self._began = False

    def feed(self, chunk: bytes) -> list[Tag]:
        """Take bytes; give the tags that they complete.

        Raises:
            BadFlv: this is no FLV, or it lost its synchronisation; nothing may follow.
        """
        self._buffer.extend(chunk)
        at = 0 if self._began else self._skip_file_header()
        tags = []
        while self._began:
            end = self._tag_end(at)
            if end is None:
                break
            tags.append(_tag(self._buffer, at, end))
            at = end + SIZE_BYTES
        del self._buffer[:at]
        return tags

    def _skip_file_header(self) -> int:
        head = bytes(self._buffer[:FILE_HEADER_BYTES])
        if not (b"FLV\x01".startswith(head[:4]) or head.startswith(b"FLV\x01")):
            raise BadFlv("the stream is not FLV version 1")
        if len(head) < FILE_HEADER_BYTES:
            return 0
        offset = int.from_bytes(head[5:], "big")
        if not FILE_HEADER_BYTES <= offset <= MAX_FILE_HEADER_BYTES:
            raise BadFlv(f"the header of the stream claims {offset} bytes")
        if len(self._buffer) < offset + SIZE_BYTES:
            return 0
        self._began = True
        return offset + SIZE_BYTES

    def _tag_end(self, at: int) -> int | None:
        """Say where the body of the tag at an offset ends; None while it is not all there."""
        buffer = self._buffer
        if len(buffer) > at and buffer[at] not in _KINDS:
            raise BadFlv(f"a tag of type {buffer[at]}: the stream is encrypted or out of step")
        if len(buffer) < at + TAG_HEADER_BYTES:
            return None
        size = int.from_bytes(buffer[at + 1 : at + 4], "big")
        if size > self._max_tag_bytes:
            raise BadFlv(f"a tag of {size} bytes; at most {self._max_tag_bytes} are taken")
        if any(buffer[at + 8 : at + 11]):
            raise BadFlv("a tag whose stream id is not 0: the stream is out of step")
        end = at + TAG_HEADER_BYTES + size
        return end if len(buffer) >= end + SIZE_BYTES else None


def file_header(*, has_audio: bool, has_video: bool) -> bytes:
    """Write what a stream begins with."""
    flags = has_audio << 2 | int(has_video)
    return b"FLV\x01" + bytes((flags, 0, 0, 0, FILE_HEADER_BYTES)) + bytes(SIZE_BYTES)


def write_tag(tag: Tag) -> bytes:
    """Write one tag, and its size behind it; the timestamp wraps at 2^32 ms."""
    time = (tag.timestamp_ms & 0xFFFFFFFF).to_bytes(4, "big")
    size = len(tag.body)
    header = bytes((tag.kind,)) + size.to_bytes(3, "big") + time[1:] + time[:1] + bytes(3)
    return header + tag.body + (TAG_HEADER_BYTES + size).to_bytes(SIZE_BYTES, "big")


def read_video(tag: Tag) -> VideoBody | None:
    """Look into a video tag; None where it is none, is too short, or of another codec."""
    body = tag.body
    if tag.kind != VIDEO or len(body) < 5:
        return None
    if body[0] & _ENHANCED:
        return _read_enhanced(body)
    codec = _CODEC_BY_ID.get(body[0] & 0x0F)
    if codec is None:
        return None
    part = "other" if body[1] == _CODED_WITHOUT_OFFSET else _PARTS.get(body[1], "other")
    return VideoBody(codec, part, body[0] >> 4 == _KEYFRAME, _signed(body[2:5]), body[5:])


def is_configuration(tag: Tag) -> bool:
    """Tell whether a tag holds what a decoder must have before anything else of its kind."""
    if tag.kind == AUDIO:
        return len(tag.body) >= 2 and tag.body[0] >> 4 == _AAC and tag.body[1] == 0
    video = read_video(tag)
    return video is not None and video.part == "configuration"


def _read_enhanced(body: bytes) -> VideoBody | None:
    codec = _CODEC_BY_FOURCC.get(body[1:5])
    if codec is None:
        return None
    kind = body[0] & 0x0F
    part = _PARTS.get(kind, "other")
    is_keyframe = body[0] >> 4 & 7 == _KEYFRAME
    if kind == _CODED_WITH_OFFSET:
        return VideoBody(codec, part, is_keyframe, _signed(body[5:8]), body[8:])
    return VideoBody(codec, part, is_keyframe, 0, body[5:])


def _signed(field: bytes) -> int:
    return int.from_bytes(field, "big", signed=True)


def _tag(buffer: bytearray, at: int, end: int) -> Tag:
    timestamp_ms = buffer[at + 7] << 24 | int.from_bytes(buffer[at + 4 : at + 7], "big")
    return Tag(buffer[at], timestamp_ms, bytes(buffer[at + TAG_HEADER_BYTES : end]))
