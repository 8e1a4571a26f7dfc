"""Write ``tests/vectors/sei_payload.json``: bodies of SEI messages and what becomes of them.

An encoder of its own, straight from the format, so that a defect of ``sei.wire.payload`` cannot
hide in the cases that judge it. Run it after a change of the format:
``python tests/unit/web/write_sei_vectors.py``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[2] / "vectors" / "sei_payload.json"
ROOM, EPOCH, TS_MS = "demo", 1732146400123, 1732150000123
TAG = base64.urlsafe_b64encode(hashlib.sha256(ROOM.encode()).digest()).decode()[:12]
SMALL = '{"type":"snapshot","doc":"state","seats":[]}'
NON_ASCII = '{"nickname":"Zo\u00eb \u6797 \U0001f3a4"}'
LARGE = json.dumps(
    [{"index": n, "nickname": hashlib.sha256(b"%d" % n).hexdigest()[:32]} for n in range(50)]
)

Case = dict[str, Any]


def message(
    piece: bytes, *, flags: str = "f", version: int = 7, part: str = "1/1", **changed: Any
) -> bytes:
    """Build a body; ``changed`` replaces single fields, right or wrong."""
    fields = {"magic": "SS1", "tag": TAG, "epoch": EPOCH, "ts": TS_MS, "len": len(piece)} | changed
    head = (
        f"{fields['magic']} {flags} {fields['tag']} {fields['epoch']} {version} {fields['ts']}"
        f" {part} {fields['len']}"
    )
    crc = fields.get("crc", f"{zlib.crc32(head.encode() + piece):08x}")
    tail = f" {fields['sig']}" if "sig" in fields else ""
    return f"{head} {crc}{tail}\n".encode() + piece


def deflated(text: str) -> bytes:
    """Deflate raw and write as unpadded base64url."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(text.encode()) + packer.flush()
    return base64.urlsafe_b64encode(packed).rstrip(b"=")


def chunks(text: str, count: int, version: int = 7) -> list[bytes]:
    """Cut the deflated text into pieces of about the same size."""
    whole = deflated(text)
    size = -(-len(whole) // count)
    return [
        message(
            whole[n * size : (n + 1) * size], flags="fz", version=version, part=f"{n + 1}/{count}"
        )
        for n in range(count)
    ]


def case(
    name: str, rule: str, steps: list[tuple[bytes, str]], *snapshots: tuple[int, str, str | None]
) -> Case:
    """Put bodies, their outcomes and the snapshots that come out into one case."""
    return {
        "name": name,
        "rule": rule,
        "steps": [
            {"body_base64": base64.b64encode(body).decode(), "outcome": outcome}
            for body, outcome in steps
        ],
        "snapshots": [
            {
                "room_tag": TAG,
                "epoch": EPOCH,
                "version": version,
                "ts": TS_MS,
                "text": text,
                "signature": signature,
            }
            for version, text, signature in snapshots
        ],
    }


def whole_cases() -> Iterator[Case]:
    """Messages that carry a whole snapshot."""
    small, plain = message(SMALL.encode()), (7, SMALL, None)
    rule = "One message with flag f is a whole snapshot."
    yield case("plain", rule, [(small, "snapshot")], plain)
    rule = "Readers append 00 or 80: what follows the piece is ignored."
    for name, rest in (("00", b"\0"), ("80", b"\x80"), ("80_00_00", b"\x80\0\0")):
        yield case(f"trailing_{name}", rule, [(small + rest, "snapshot")], plain)
    rule = "Flag z: raw deflate in unpadded base64url."
    body = message(deflated(LARGE), flags="fz")
    yield case("deflated", rule, [(body, "snapshot")], (7, LARGE, None))
    yield case("deflated_trailing", rule, [(body + b"\x80", "snapshot")], (7, LARGE, None))
    rule = "The length counts bytes of UTF-8, not characters."
    body = message(NON_ASCII.encode())
    yield case("non_ascii", rule, [(body, "snapshot")], (7, NON_ASCII, None))
    rule = "A signature stands behind the CRC and is not covered by it."
    body = message(SMALL.encode(), sig="k1:AbC-_0")
    yield case("signed", rule, [(body, "snapshot")], (7, SMALL, "k1:AbC-_0"))
    rule = "Numbers go up to 2^53-1."
    body = message(SMALL.encode(), version=2**53 - 1)
    yield case("largest_version", rule, [(body, "snapshot")], (2**53 - 1, SMALL, None))
    rule = "A repeat is a snapshot like the first: what it is worth is for the reconciler."
    yield case("repeat", rule, [(small, "snapshot"), (small, "snapshot")], plain, plain)


def chunk_cases() -> Iterator[Case]:
    """Snapshots in several messages."""
    three = chunks(LARGE, 3)
    out = (7, LARGE, None)
    pieces = ["piece", "piece", "snapshot"]
    rule = "Deflate and base64url over the whole, then cut: the last piece completes it."
    yield case("three_chunks", rule, list(zip(three, pieces, strict=True)), out)
    rule = "Pieces may come in any order."
    yield case("chunks_backwards", rule, list(zip(three[::-1], pieces, strict=True)), out)
    rule = "A piece may be missing: nothing comes out."
    yield case("chunk_missing", rule, [(three[0], "piece"), (three[2], "piece")])
    rule = "A piece twice does not stand for another."
    twice = [(three[0], "piece"), (three[0], "piece"), (three[1], "piece"), (three[2], "snapshot")]
    yield case("chunk_twice", rule, twice, out)
    rule = "A damaged piece is dropped, its repeat completes the snapshot."
    bad = three[1][:-1] + b"!"
    steps = [(three[0], "piece"), (bad, "crc_failed"), (three[2], "piece"), (three[1], "snapshot")]
    yield case("chunk_damaged_then_repeated", rule, steps, out)
    rule = "Pieces of two positions are never joined."
    other = chunks(LARGE, 3, version=8)
    mixed = [(three[0], "piece"), (other[1], "piece"), (three[2], "piece"), (other[2], "piece")]
    late = [(other[0], "snapshot"), (three[1], "snapshot")]
    yield case("chunks_of_two_versions", rule, mixed + late, (8, LARGE, None), out)
    rule = "Sixteen pieces are the most."
    sixteen = chunks(LARGE, 16)
    outcomes = ["piece"] * 15 + ["snapshot"]
    yield case("sixteen_chunks", rule, list(zip(sixteen, outcomes, strict=True)), out)
    rule = "Four unfinished snapshots are held: the one begun first is given up for a fifth."
    many = [chunks(LARGE, 2, version) for version in range(1, 6)]
    steps = [(first, "piece") for first, _ in many] + [(many[0][1], "piece")]
    yield case("unfinished_are_bounded", rule, steps)


def ignored_cases() -> Iterator[Case]:
    """Messages that are somebody else's, or of a later format."""
    small = SMALL.encode()
    for name, rule, body in (
        ("later_magic", "An unknown magic is ignored.", message(small, magic="SS2")),
        ("other_text", "A body of another format is ignored.", b"x264 - core 164"),
        ("empty_body", "An empty body is ignored.", b""),
        ("flag_x", "A reserved flag: ignore the message.", message(small, flags="fx")),
        ("flag_d", "A message without f is of a later kind.", message(small, flags="d")),
        ("flag_zf", "Flags stand in their order.", message(small, flags="zf")),
    ):
        yield case(name, rule, [(body, "ignored")])


def broken_cases() -> Iterator[Case]:
    """Messages of ours that cannot be used."""
    small = SMALL.encode()
    good = message(small)
    rule = "The CRC covers the piece."
    yield case("crc_of_piece", rule, [(good.replace(b"state", b"stale"), "crc_failed")])
    rule = "The CRC covers the header up to the length: a changed version is noticed."
    yield case("crc_of_header", rule, [(good.replace(b" 7 ", b" 8 ", 1), "crc_failed")])
    rule = "The header follows its format exactly."
    for name, body in (
        ("no_newline", good.replace(b"\n", b" ")),
        ("leading_zero", message(small, epoch="0123")),
        ("negative_number", message(small, ts=-1)),
        ("short_tag", message(small, tag=TAG[:11])),
        ("upper_case_crc", message(small, crc="ABCDEF01")),
        ("cut_in_the_header", good[:30]),
        ("two_spaces", good.replace(b" ", b"  ", 1)),
        ("nothing_behind_the_magic", b"SS1 "),
    ):
        yield case(name, rule, [(body, "malformed")])
    for name, rule, body in (
        ("number_too_large", "Numbers end at 2^53-1.", message(small, version=2**53)),
        ("piece_outside_count", "i is at most n.", message(small, part="3/2")),
        ("seventeen_chunks", "n is at most 16.", message(small, part="1/17")),
        ("piece_too_short", "A piece has the length it says.", message(small, len=len(small) + 1)),
        ("piece_too_long", "A piece has at most 4,000 bytes.", message(b"x" * 4001)),
        (
            "signature_on_second",
            "Only piece 1 is signed.",
            message(small, part="2/2", sig="k1:AbC"),
        ),
        ("not_base64url", "z is base64url.", message(b"!!!!", flags="fz")),
        ("not_deflate", "z is raw deflate.", message(b"_____w", flags="fz")),
        ("deflate_cut", "z is whole.", message(deflated(LARGE)[:400], flags="fz")),
        (
            "bomb",
            "Nothing inflates beyond 256 KiB.",
            message(deflated("0" * (256 * 1024 + 1)), flags="fz"),
        ),
    ):
        yield case(name, rule, [(body, "malformed")])


def write() -> None:
    """Write the file, one case a line."""
    cases = [*whole_cases(), *chunk_cases(), *ignored_cases(), *broken_cases()]
    lines = ",\n".join(json.dumps(one) for one in cases)
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    write()
