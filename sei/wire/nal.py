"""NAL units inside one packet: walk, escape, find the place for an SEI, insert.

Only whole units are given; a walk ends where the packet stops making sense, and each step goes
forward, so it is bounded by the packet. Sources: ITU-T H.264 7.3.1, 7.4.1.2.3 and annex B, ITU-T
H.265 7.3.1 and 7.4.2.2.

| | H.264 | HEVC |
| --- | --- | --- |
| header | 1 byte, type in the low 5 bits | 2 bytes, type in bits 1..6 of the first |
| SEI | 6 | 39 prefix, 40 suffix |
| VCL | 1..5, and 14, 20, 21 of the extensions | below 32 |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sei.wire.framing import START_CODE, Codec, Framing

_H264_START_CODES: Final = Framing("h264")
_UNESCAPED: Final = re.compile(rb"\x00\x00(?=[\x00-\x03])")
_H264_VCL: Final = frozenset({1, 2, 3, 4, 5, 14, 20, 21})
SEI: Final[dict[Codec, frozenset[int]]] = {"h264": frozenset({6}), "hevc": frozenset({39, 40})}
HEADER_BYTES: Final[dict[Codec, int]] = {"h264": 1, "hevc": 2}
H264_PICTURE: Final = re.compile(
    b"\\x00\\x00\\x01[%b]"
    % b"".join(b"\\x%02x" % header for header in range(256) if header & 0x1F in _H264_VCL)
)
"""A start code and the header of a VCL unit, which is never 0: no start code begins in it."""


class Span(NamedTuple):
    """Where a NAL unit lies in a packet."""

    prefix: int
    """Offset of the start code or length before it."""
    start: int
    """Offset of its header."""
    end: int
    kind: int
    """``nal_unit_type``."""


def escape(rbsp: bytes) -> bytes:
    """Insert emulation prevention bytes; the input must not end in zero (H.264 7.4.1)."""
    return _UNESCAPED.sub(b"\x00\x00\x03", rbsp) if b"\x00\x00" in rbsp else rbsp


def unescape(payload: bytes) -> bytes:
    """Take emulation prevention bytes out."""
    return payload.replace(b"\x00\x00\x03", b"\x00\x00")


def walk(packet: bytes, framing: Framing) -> Iterator[Span]:
    """Give the NAL units of a packet, in order."""
    if framing.length_bytes is None:
        return _walk_start_codes(packet, framing.codec)
    return _walk_lengths(packet, framing.codec, framing.length_bytes)


def is_sei(span: Span, codec: Codec) -> bool:
    """Tell whether a unit holds supplemental enhancement information."""
    return span.kind in SEI[codec]


def is_vcl(span: Span, codec: Codec) -> bool:
    """Tell whether a unit belongs to the coded picture, so that no prefix SEI may follow it."""
    return span.kind in _H264_VCL if codec == "h264" else span.kind < 32


def kind_of(header: int, codec: Codec) -> int:
    """Read ``nal_unit_type`` from the first byte of a unit's header."""
    return header & 0x1F if codec == "h264" else header >> 1 & 0x3F


def insert_offset(packet: bytes | memoryview, framing: Framing) -> int | None:
    """Find where an SEI goes: before the first VCL unit, after any SEI; None without one."""
    if framing == _H264_START_CODES:
        match = H264_PICTURE.search(packet)
        return None if match is None else _prefix_of(packet, match.start(), 0)
    for span in walk(bytes(packet), framing):
        if is_vcl(span, framing.codec):
            return span.prefix
    return None


def splice(packet: bytes, at: int, framing: Framing, units: Sequence[bytes]) -> bytes:
    """Put NAL units at an offset that a walk gave.

    Raises:
        OverflowError: a unit is longer than the stream's length prefix can say.
    """
    return b"".join([packet[:at], *map(framing.frame, units), packet[at:]])


def insert_parameter_sets(packet: bytes, framing: Framing, units: Sequence[bytes]) -> bytes:
    """Put parameter sets before the first SEI or VCL unit, unless the packet has its own.

    MPEG-TS muxers add them themselves, but behind the SEI; strict repackagers want them first.
    """
    first_kind = kind_of(units[0][0], framing.codec)
    at = None
    for span in walk(packet, framing):
        if span.kind == first_kind:
            return packet
        if at is None and (is_sei(span, framing.codec) or is_vcl(span, framing.codec)):
            at = span.prefix
    return packet if at is None else splice(packet, at, framing, units)


def compose(
    packet: bytes | memoryview,
    framing: Framing,
    message_unit: bytes | None,
    parameter_sets: Sequence[bytes] = (),
) -> bytes:
    """Do what ``insert_parameter_sets`` and a ``splice`` at ``insert_offset`` do, in one copy.

    Without a picture nothing is put in.

    Args:
        packet: a view of it saves another copy.
        framing: its form.
        message_unit: the SEI to put in, if any.
        parameter_sets: none where the form is start codes: those have their own.

    Raises:
        OverflowError: a unit is longer than the stream's length prefix can say.
    """
    sets_at, message_at = _places(packet, framing, parameter_sets)
    if message_at is None:
        return bytes(packet)
    sets = b"".join(map(framing.frame, parameter_sets)) if sets_at is not None else b""
    message = framing.frame(message_unit) if message_unit is not None else b""
    head = message_at if sets_at is None else sets_at
    return b"".join((packet[:head], sets, packet[head:message_at], message, packet[message_at:]))


def _places(
    packet: bytes | memoryview, framing: Framing, parameter_sets: Sequence[bytes]
) -> tuple[int | None, int | None]:
    """Find where parameter sets go, None where there are some; and where a message goes."""
    if framing.length_bytes is None:
        return None, insert_offset(packet, framing)
    sets_kind = kind_of(parameter_sets[0][0], framing.codec) if parameter_sets else None
    sets_at = None
    for span in _walk_lengths(packet, framing.codec, framing.length_bytes):
        if span.kind == sets_kind:
            sets_kind = sets_at = None
        elif is_vcl(span, framing.codec) or is_sei(span, framing.codec):
            if sets_kind is not None and sets_at is None:
                sets_at = span.prefix
            if is_vcl(span, framing.codec):
                return sets_at, span.prefix
    return None, None


def with_start_codes(packet: bytes, framing: Framing) -> bytes:
    """Turn lengths into start codes; what does not parse is left out, as a decoder would."""
    if framing.length_bytes is None:
        return packet
    return b"".join(START_CODE + packet[span.start : span.end] for span in walk(packet, framing))


def whole_units(packet: bytes, framing: Framing) -> bytes:
    """Leave out what does not parse, as a decoder would; start codes always parse."""
    if framing.length_bytes is None:
        return packet
    return b"".join(packet[span.prefix : span.end] for span in walk(packet, framing))


def _walk_lengths(packet: bytes | memoryview, codec: Codec, length_bytes: int) -> Iterator[Span]:
    at = 0
    while at + length_bytes < len(packet):
        start = at + length_bytes
        end = start + int.from_bytes(packet[at:start], "big")
        if end > len(packet):
            return
        if end - start >= HEADER_BYTES[codec]:
            yield Span(at, start, end, kind_of(packet[start], codec))
        at = end


def _walk_start_codes(packet: bytes, codec: Codec) -> Iterator[Span]:
    """Split at ``00 00 01``; one zero before it belongs to the start code (annex B.1.1)."""
    mark = packet.find(b"\x00\x00\x01")
    while mark >= 0:
        start = mark + 3
        following = packet.find(b"\x00\x00\x01", start)
        end = len(packet) if following < 0 else _prefix_of(packet, following, start)
        if end - start >= HEADER_BYTES[codec]:
            yield Span(_prefix_of(packet, mark, 0), start, end, kind_of(packet[start], codec))
        mark = following


def _prefix_of(packet: bytes | memoryview, mark: int, floor: int) -> int:
    return mark - 1 if mark > floor and packet[mark - 1] == 0 else mark
