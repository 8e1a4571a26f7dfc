"""Write the seed corpus of the frame reader: ``python -m tests.fuzz.frames_corpus``."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fuzz.frames_target import AGREED, EVERYWHERE, SCRIPT
from tests.unit.gateway_push.frame_samples import (
    BINARY,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    RSV1,
    TEXT,
    bare_frame,
    client_frame,
    closing,
    declared,
    fragments,
)

CORPUS: Final = Path(__file__).parent / "corpus" / "frames"
PLAIN: Final = bytes(3)
SMALL: Final = bytes((0x0A, 1, 1))
CUT: Final = bytes((EVERYWHERE, 0, 0))
DEFLATE: Final = bytes((AGREED, 0, 7))
SCRIPTED: Final = bytes((SCRIPT, 2, 2))
BOTH: Final = bytes((SCRIPT | AGREED | EVERYWHERE, 0, 0))


def deflated(message: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed.removesuffix(b"\x00\x00\xff\xff")


def scripted(*frames: tuple[int, bytes]) -> bytes:
    return b"".join(bytes((first, len(payload))) + payload for first, payload in frames)


def seeds() -> Iterator[tuple[str, bytes]]:
    """Give each seed with its name."""
    yield from plain_seeds()
    yield from deflated_seeds()
    yield from scripted_seeds()


def plain_seeds() -> Iterator[tuple[str, bytes]]:
    hello = client_frame(TEXT, b"Hello")
    greek = "κόσμε".encode()
    yield "nothing", PLAIN
    yield "text", PLAIN + hello
    yield "text_zero_key", PLAIN + client_frame(TEXT, greek, key=bytes(4))
    yield "texts_cut", CUT + hello + client_frame(TEXT, b"*" * 130) + hello[:7]
    yield "text_126", SMALL + client_frame(TEXT, b"*" * 126)
    yield "text_too_big", SMALL + client_frame(TEXT, b"*" * 201)
    yield "length_not_shortest", PLAIN + client_frame(TEXT, b"*" * 5, form=16)
    yield "length_long_not_shortest", PLAIN + client_frame(TEXT, b"*" * 5, form=64)
    yield "declared_2_62", PLAIN + declared(TEXT, 1 << 62)
    yield "declared_2_63", CUT + declared(TEXT, 1 << 63)
    yield "not_masked", PLAIN + hello + bare_frame(TEXT, b"Hello")
    yield "binary", PLAIN + client_frame(BINARY, b"\0")
    yield "ping_pong", CUT + client_frame(PING, b"!") + client_frame(PONG, b"*" * 125)
    yield "ping_126", PLAIN + client_frame(PING, b"*" * 126)
    yield "close", PLAIN + closing(1000, greek) + hello
    yield "close_cut", CUT + hello + closing(1000, greek) + hello
    yield "close_half", PLAIN + client_frame(0x8, b"\3")
    yield "close_1005", PLAIN + closing(1005)
    yield "fragments", PLAIN + b"".join(fragments([b"Hel", b"", b"lo"])) + hello
    yield (
        "fragments_ping",
        CUT
        + client_frame(TEXT, greek[:3], flags=0)
        + client_frame(PING)
        + client_frame(CONTINUATION, greek[3:]),
    )
    yield "continuation_of_nothing", PLAIN + client_frame(CONTINUATION, b"a")
    yield "text_in_message", PLAIN + client_frame(TEXT, b"a", flags=0) + hello
    yield "bad_utf8", CUT + hello + client_frame(TEXT, b"\xed\xa0\x80")


def deflated_seeds() -> Iterator[tuple[str, bytes]]:
    packed = deflated(b"Hello, Hello, Hello")
    frame = client_frame(TEXT, packed, flags=FIN | RSV1)
    yield "deflated", DEFLATE + frame + client_frame(TEXT, b"plain") + frame
    yield "deflated_not_agreed", PLAIN + frame
    yield "deflated_fragments", DEFLATE + b"".join(fragments([packed[:4], packed[4:]], flags=RSV1))
    yield "deflated_bomb", DEFLATE + client_frame(TEXT, deflated(bytes(99_999)), flags=FIN | RSV1)
    yield "deflated_cut_off", DEFLATE + client_frame(TEXT, packed[:-2], flags=FIN | RSV1)
    yield (
        "deflated_last_block",
        DEFLATE + client_frame(TEXT, bytes.fromhex("f348cdc9c9070000"), flags=FIN | RSV1),
    )
    yield "deflated_bad_utf8", DEFLATE + client_frame(TEXT, deflated(b"\xff"), flags=FIN | RSV1)


def scripted_seeds() -> Iterator[tuple[str, bytes]]:
    packed = deflated(b"{}" * 20)
    yield "script", SCRIPTED + scripted((0x01, b"a"), (0x89, b"!"), (0x80, b"b"), (0x88, b""))
    yield "script_deflated", BOTH + scripted((0x41, packed[:2]), (0x8A, b""), (0x80, packed[2:]))
    yield "script_empty_fragments", SCRIPTED + scripted((0x01, b""), *[(0x00, b"")] * 1100)


def main() -> None:
    """Write every seed; the same bytes each time."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds():
        (CORPUS / name).write_bytes(seed)


if __name__ == "__main__":
    main()
