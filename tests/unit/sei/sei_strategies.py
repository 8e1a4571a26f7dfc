"""Random NAL units, packets and snapshots."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st

from room.position import LARGEST, Position
from sei.wire.framing import Framing
from sei.wire.message import UUID_BYTES
from sei.wire.nal import escape, insert_offset, splice

KINDS = {"h264": list(range(1, 24)), "hevc": [*range(10), 19, 20, 21, *range(32, 41)]}
VCL = {"h264": [1, 5], "hevc": [1, 19]}

sparse_bytes = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 0x80, 0xFF]), max_size=40).map(bytes)
any_bytes = st.binary(max_size=60) | sparse_bytes
positions = st.builds(Position, st.integers(0, LARGEST), st.integers(0, LARGEST))
texts = st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=3000)
codecs = st.sampled_from(["h264", "hevc"])
framings = st.builds(Framing, codecs, st.sampled_from([None, 2, 3, 4]))


def header(codec: str, kind: int) -> bytes:
    return bytes((0x60 | kind,)) if codec == "h264" else bytes((kind << 1, 1))


def nal(codec: str, kind: int, rbsp: bytes) -> bytes:
    start = header("h264", kind) if codec == "h264" else header(codec, kind)
    if kind == 6 and codec == "h264":
        start = b"\x06"
    return start + escape(rbsp + b"\x80")


@st.composite
def packets(draw: st.DrawFn, framing: Framing, *, with_vcl: bool = True) -> bytes:
    """Draw a packet of well-formed units; start codes of three and four bytes."""
    kinds = draw(st.lists(st.sampled_from(KINDS[framing.codec]), max_size=6))
    if with_vcl:
        kinds.insert(draw(st.integers(0, len(kinds))), draw(st.sampled_from(VCL[framing.codec])))
    units = [nal(framing.codec, kind, draw(any_bytes)) for kind in kinds]
    if framing.length_bytes is None:
        codes = st.sampled_from([b"\x00\x00\x01", b"\x00\x00\x00\x01"])
        return b"".join(draw(codes) + unit for unit in units)
    return b"".join(map(framing.frame, units))


def foreign_message(kind: int, payload: bytes) -> bytes:
    return bytes((kind, len(payload))) + payload


def our_message(body: bytes) -> bytes:
    size = 16 + len(body)
    return b"\x05" + b"\xff" * (size // 255) + bytes((size % 255,)) + UUID_BYTES + body


def snapshot_body(
    version: int = 1,
    *,
    room: str = "demo",
    view: str = "anonymous",
    doc: str = "state",
    pad: int = 0,
) -> bytes:
    head = {"type": "snapshot", "doc": doc, "schema": 1, "view": view, "room": room}
    rest = {"epoch": 7, "version": version, "ts": 1000 + version, "seats": [], "pad": "x" * pad}
    return json.dumps(head | rest, separators=(",", ":")).encode()


def insert(packet: bytes, framing: Framing, units: Sequence[bytes]) -> bytes:
    """Put units where an SEI goes; a packet without a picture stays as it is."""
    at = insert_offset(packet, framing)
    return packet if at is None else splice(packet, at, framing, units)
