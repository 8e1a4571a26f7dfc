"""A frame's header: how it is read from a client, and how it is written to one (RFC 6455 5.2).

| bytes | what |
| --- | --- |
| 0 | FIN 0x80, RSV1 0x40, RSV2 0x20, RSV3 0x10, opcode 0x0F |
| 1 | MASK 0x80, length 0x7F: 0 to 125, or 126 or 127: it follows |
| 0, 2 or 8 | the length, big-endian, in the shortest form that holds it |
| 4 | the masking key, from clients only |
"""

from __future__ import annotations

from typing import Final, NamedTuple

from gateway.push.frames_events import MAX_CONTROL_BYTES, FrameError, Opcode, Wrong

FIN: Final = 0x80
RSV1: Final = 0x40
MASK: Final = 0x80

_LENGTH_BYTES: Final = {126: 2, 127: 8}
_KNOWN: Final = frozenset(int(opcode) for opcode in Opcode)


class Header(NamedTuple):
    """One frame of a client, as its header tells it; right in itself, whatever came before."""

    first: int
    """FIN, RSV1 and opcode as sent."""
    size: int
    """Of the header itself, in bytes."""
    length: int
    """Of the payload, in bytes."""

    @property
    def opcode(self) -> int:
        """One of ``Opcode``."""
        return self.first & 0x0F

    @property
    def final(self) -> bool:
        """Whether the message ends with this frame."""
        return self.first & FIN != 0

    @property
    def packed(self) -> bool:
        """Whether RSV1 is set (RFC 7692 6)."""
        return self.first & RSV1 != 0

    @property
    def control(self) -> bool:
        """Whether this is a close, ping or pong."""
        return self.first & 0x08 != 0


def header_bytes(stream: bytes, at: int) -> int:
    """Give the length of the header at ``at``; 2 until its second byte has come and tells."""
    if len(stream) - at < 2:
        return 2
    return 6 + _LENGTH_BYTES.get(stream[at + 1] & 0x7F, 0)


def read_header(stream: bytes, at: int) -> Header | None:
    """Read the header at ``at``; None while it is not whole.

    Raises:
        FrameError: 1002, as soon as the bytes that show it have come.
    """
    if len(stream) - at < 2:
        return None
    first, second = stream[at], stream[at + 1]
    short = second & 0x7F
    _check_first(first, second, short)
    size = header_bytes(stream, at)
    if len(stream) - at < size:
        return None
    length = short if short < 126 else _long_length(stream, at, short)
    return Header(first, size, length)


def _check_first(first: int, second: int, short: int) -> None:
    if first & 0x30:
        raise FrameError(Wrong.PROTOCOL, "a reserved bit is set")
    if first & 0x0F not in _KNOWN:
        raise FrameError(Wrong.PROTOCOL, "an opcode is reserved")
    if not second & MASK:
        raise FrameError(Wrong.PROTOCOL, "a frame is not masked")
    if first & 0x08:
        _check_control(first, short)


def _check_control(first: int, short: int) -> None:
    if not first & FIN:
        raise FrameError(Wrong.PROTOCOL, "a control frame is fragmented")
    if first & RSV1:
        raise FrameError(Wrong.PROTOCOL, "a control frame is compressed")
    if short > MAX_CONTROL_BYTES:
        raise FrameError(Wrong.PROTOCOL, "a control frame is longer than 125 bytes")


def _long_length(stream: bytes, at: int, short: int) -> int:
    """Read a length that follows; the highest bit of the long form must be 0."""
    length = int.from_bytes(stream[at + 2 : at + 2 + _LENGTH_BYTES[short]])
    if length < (126 if short == 126 else 0x10000):
        raise FrameError(Wrong.PROTOCOL, "a length is not in its shortest form")
    if length >> 63:
        raise FrameError(Wrong.PROTOCOL, "a length has its highest bit set")
    return length


def write_header(first: int, length: int) -> bytes:
    """Give the header of a server's frame, which is never masked (RFC 6455 5.1)."""
    if length < 126:
        return bytes((first, length))
    if length < 0x10000:
        return bytes((first, 126)) + length.to_bytes(2)
    return bytes((first, 127)) + length.to_bytes(8)
