"""Write the seed corpus of the SEI codec: ``python -m tests.fuzz.codec_corpus``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from room.position import Position
from sei.wire.framing import Codec, Framing
from sei.wire.message import UUID_BYTES, message_unit
from sei.wire.nal import escape
from sei.wire.payload import encode
from tests.fuzz.codec_target import BODY, HEVC, LENGTHS, OURS

CORPUS: Final = Path(__file__).parent / "corpus" / "codec"
PICTURE: Final[dict[Codec, bytes]] = {"h264": b"\x65\x88\x84\x21", "hevc": b"\x26\x01\xaf\x08"}
SEI: Final[dict[Codec, bytes]] = {"h264": b"\x06", "hevc": b"\x4e\x01"}
FOREIGN: Final = b"\x05\x14" + bytes(range(0x20, 0x34))


def seeds() -> Iterator[tuple[str, bytes]]:
    """Give each seed with its name."""
    for codec in PICTURE:
        for number, length_bytes in enumerate(LENGTHS):
            framing = Framing(codec, length_bytes)
            flags = bytes((number << 1 | (HEVC if codec == "hevc" else 0),))
            for name, units in packets(codec).items():
                yield f"{codec}_{length_bytes}_{name}", flags + b"".join(map(framing.frame, units))
    yield from bodies()


def packets(codec: Codec) -> dict[str, list[bytes]]:
    """Give the units of packets with and without messages."""
    ours, picture = message_unit(OURS, codec), PICTURE[codec]
    mixed = SEI[codec] + escape(FOREIGN + message_unit(OURS, "h264")[1:-1] + FOREIGN + b"\x80")
    broken = SEI[codec] + b"\x05\xff\xff\xff\x20" + UUID_BYTES + b"SS1 f\x80"
    return {
        "picture": [picture],
        "ours": [ours, picture],
        "twice": [ours, ours, picture, picture],
        "mixed": [mixed, picture],
        "broken": [broken, picture],
        "behind": [picture, ours],
    }


def bodies() -> Iterator[tuple[str, bytes]]:
    """Give the bodies of messages."""
    flag = bytes((BODY,))
    long = b'{"note":"' + bytes(32 + number % 90 for number in range(1200)) + b'"}'
    for name, body in (("short", b"{}"), ("deflated", b'{"a":"' + b"x" * 900 + b'"}')):
        yield f"body_{name}", flag + encode("demo", Position(1, 2), 3, body)[0]
    for message in encode("demo", Position(2**53 - 1, 0), 3, long, max_message_bytes=300)[:2]:
        yield f"body_chunk_{message.split(b' ')[6][:1].decode()}", flag + message
    yield "body_reserved", flag + OURS.replace(b"SS1 f", b"SS1 q")
    yield "body_appended", flag + OURS + b"\x80\x00"


def main() -> None:
    """Write every seed; the same bytes each time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds():
        (CORPUS / name).write_bytes(seed)


if __name__ == "__main__":
    main()
