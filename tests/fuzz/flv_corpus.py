"""Write the seed corpus of the FLV rewriter: ``python -m tests.fuzz.flv_corpus``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, file_header, write_tag
from sei.wire.framing import Codec, Framing
from sei.wire.message import message_unit
from tests.fuzz.flv_target import OURS

CORPUS: Final = Path(__file__).parent / "corpus" / "flv"
PICTURE: Final[dict[Codec, bytes]] = {"h264": b"\x65\x88\x84\x21", "hevc": b"\x26\x01\xaf\x08"}
AVCC: Final = b"\x01\x42\xe0\x1e\xfd\xe0\x00"
HEAD: Final = {"h264": b"\x17\x01\x00\x00\x00", "hevc": b"\x91hvc1\x00\x00\x00"}


def seeds() -> Iterator[tuple[str, bytes]]:
    """Give each seed with its name."""
    sound, script = Tag(AUDIO, 20, b"\xaf\x01\x21"), Tag(SCRIPT, 0, b"\x02\x00\x0aonMetaData")
    for codec, picture in PICTURE.items():
        ours = message_unit(OURS[0], codec)
        plain, forged = tag(codec, 40, picture), tag(codec, 80, ours, picture)
        behind = tag(codec, 3_000_000_000, picture, ours)
        yield f"{codec}_plain", stream(7, script, sound, plain)
        yield f"{codec}_forged", stream(255, plain, forged, sound)
        yield f"{codec}_behind", stream(30, plain, behind, plain)
        yield f"{codec}_cut", stream(100, forged)[:-20]
    hvcc = b"\x01" + bytes(20) + b"\x03\x01\xa7\x00\x01" + unit(message_unit(OURS[0], "hevc"))
    yield "hevc_record", stream(99, Tag(VIDEO, 0, b"\x1c\x00\x00\x00\x00" + hvcc))
    two = Tag(VIDEO, 0, b"\x17\x01\x00\x00\x00" + unit(b"\x65\x88"))
    yield "h264_short", stream(50, Tag(VIDEO, 0, b"\x17\x00\x00\x00\x00" + AVCC), two)
    yield "encrypted", stream(9)[:14] + b"\x29" + write_tag(two)[1:]


def tag(codec: Codec, time_ms: int, *units: bytes) -> Tag:
    """Write a video tag of some units behind lengths of four bytes."""
    return Tag(VIDEO, time_ms, HEAD[codec] + b"".join(map(Framing(codec, 4).frame, units)))


def unit(nal: bytes) -> bytes:
    """Write a unit behind a length of two bytes."""
    return len(nal).to_bytes(2, "big") + nal


def stream(step: int, *tags: Tag) -> bytes:
    """Write a stream behind the size of its pieces."""
    header = file_header(has_audio=True, has_video=True)
    return bytes((step,)) + header + b"".join(map(write_tag, tags))


def main() -> None:
    """Write every seed; the same bytes each time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds():
        (CORPUS / name).write_bytes(seed)


if __name__ == "__main__":
    main()
