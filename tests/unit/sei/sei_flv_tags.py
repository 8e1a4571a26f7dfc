"""FLV streams for tests of what works on tags."""

from __future__ import annotations

from sei.flv.tags import AUDIO, VIDEO, Tag, file_header, write_tag
from sei.wire.framing import Codec, Framing

HEADER = file_header(has_audio=True, has_video=True)
SLICE = {"h264": b"\x41slice", "hevc": b"\x02\x01slice"}
KEY = {"h264": b"\x65idr", "hevc": b"\x26\x01idr"}
OLD_ID = {"h264": 7, "hevc": 12}
FOURCC = {"h264": b"avc1", "hevc": b"hvc1"}


def record(framing: Framing) -> bytes:
    """Write the least decoder configuration record that says how long lengths are."""
    size = bytes(((framing.length_bytes or 4) - 1,))
    if framing.codec == "h264":
        return b"\x01\x42\xe0\x1e" + size + b"\xe0\x00"
    return b"\x01" + bytes(20) + size + b"\x00"


def head(codec: Codec, part: int, *, enhanced: bool = False, keyframe: bool = True) -> bytes:
    frame_type = 1 if keyframe else 2
    if enhanced:
        offset = b"\x00\x00\x28" if part == 1 else b""
        return bytes((0x80 | frame_type << 4 | part,)) + FOURCC[codec] + offset
    return bytes((frame_type << 4 | OLD_ID[codec], part)) + b"\x00\x00\x28"


def configuration(framing: Framing, *, enhanced: bool = False, time_ms: int = 0) -> Tag:
    return Tag(VIDEO, time_ms, head(framing.codec, 0, enhanced=enhanced) + record(framing))


def picture(
    time_ms: int,
    content: bytes | None = None,
    *,
    framing: Framing = Framing("h264", 4),  # noqa: B008 — a constant
    keyframe: bool = False,
    enhanced: bool = False,
    part: int = 1,
) -> Tag:
    if content is None:
        content = framing.frame((KEY if keyframe else SLICE)[framing.codec])
    start = head(framing.codec, part, enhanced=enhanced, keyframe=keyframe)
    return Tag(VIDEO, time_ms, start + content)


def sound(time_ms: int) -> Tag:
    return Tag(AUDIO, time_ms, b"\xaf\x01sound")


def stream(*tags: Tag) -> bytes:
    return HEADER + b"".join(map(write_tag, tags))


def cut(content: bytes, step: int) -> list[bytes]:
    return [content[at : at + step] for at in range(0, len(content), step)]
