"""SEI messages with our UUID: build their NAL unit, find them, take them out.

```
sei_message()   payloadType, payloadSize   each FF-coded: n times FF, then a byte below FF
                uuid_iso_iec_11578         16 bytes     } payloadType 5,
                user_data_payload_byte     the rest     } user_data_unregistered
rbsp_trailing   80
```
Source: ITU-T H.264 7.3.2.3.1, D.1.7 and D.2.7; H.265 7.3.5 and D.2.7. One message a unit: readers
in browsers see only the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import UUID

from sei.wire.framing import Codec, Framing
from sei.wire.nal import HEADER_BYTES, Span, escape, is_sei, unescape, walk

UUID_BYTES: Final = UUID("5e617453-796e-4331-a9d4-7c3b8f12e6d0").bytes
_USER_DATA_UNREGISTERED: Final = 5
_HEADER: Final[dict[Codec, bytes]] = {"h264": b"\x06", "hevc": b"\x4e\x01"}
_TRAILING: Final = b"\x80"


class _Piece(NamedTuple):
    """One message in an unescaped SEI payload."""

    start: int
    end: int
    kind: int
    body: bytes

    @property
    def ours(self) -> bool:
        return self.kind == _USER_DATA_UNREGISTERED and self.body.startswith(UUID_BYTES)


def message_unit(body: bytes, codec: Codec) -> bytes:
    """Build the NAL unit that carries one body, without start code or length."""
    size = len(UUID_BYTES) + len(body)
    coded_size = b"\xff" * (size // 255) + bytes((size % 255,))
    message = bytes((_USER_DATA_UNREGISTERED,)) + coded_size + UUID_BYTES + body
    return _HEADER[codec] + escape(message + _TRAILING)


def find_messages(packet: bytes, framing: Framing) -> list[bytes]:
    """List the bodies, without UUID, of our messages in a packet, in decoding order."""
    return [
        piece.body[len(UUID_BYTES) :]
        for span in _candidates(packet, framing)
        for piece in _pieces(_payload(packet, span, framing))
        if piece.ours
    ]


def remove_messages(packet: bytes, framing: Framing) -> tuple[bytes, int]:
    """Take our messages out of a packet and leave every other byte as it is.

    A unit that holds foreign messages too is written anew without ours.

    Returns:
        The packet, and how many messages left it.
    """
    kept: list[bytes] = []
    done = removed = 0
    for span in _candidates(packet, framing):
        payload = _payload(packet, span, framing)
        ours = [piece for piece in _pieces(payload) if piece.ours]
        if not ours:
            continue
        kept.append(packet[done : span.prefix])
        rest = _without(payload, ours)
        if rest.rstrip(b"\x00") not in (b"", _TRAILING):
            header = packet[span.start : span.start + HEADER_BYTES[framing.codec]]
            kept.append(_reframe(packet, span, framing, header + escape(rest)))
        done = span.end
        removed += len(ours)
    return (b"".join([*kept, packet[done:]]) if removed else packet), removed


def _candidates(packet: bytes, framing: Framing) -> Iterator[Span]:
    # The UUID has no byte that escaping could touch, so it stands in the packet as it is.
    if UUID_BYTES in packet:
        for span in walk(packet, framing):
            if is_sei(span, framing.codec):
                yield span


def _payload(packet: bytes, span: Span, framing: Framing) -> bytes:
    return unescape(packet[span.start + HEADER_BYTES[framing.codec] : span.end])


def _pieces(payload: bytes) -> Iterator[_Piece]:
    """Give the messages of an SEI payload; ends at its trailing bits or where it is broken.

    A last message may reach over what look like trailing bits: lenient readers take it too.
    """
    end = len(payload.rstrip(b"\x00"))
    if payload[:end].endswith(_TRAILING):
        end -= 1
    at = 0
    while at < end:
        kind, size_at = _coded(payload, at, end)
        size, body_at = _coded(payload, size_at, end)
        if body_at + size > len(payload):
            return
        yield _Piece(at, body_at + size, kind, payload[body_at : body_at + size])
        at = body_at + size


def _coded(payload: bytes, at: int, end: int) -> tuple[int, int]:
    """Read an FF-coded number; past the end it is larger than anything that could follow."""
    value = 0
    while at < end:
        value += payload[at]
        at += 1
        if payload[at - 1] != 0xFF:
            return value, at
    return len(payload) + 1, at


def _without(payload: bytes, pieces: list[_Piece]) -> bytes:
    kept = []
    done = 0
    for piece in pieces:
        kept.append(payload[done : piece.start])
        done = piece.end
    return b"".join([*kept, payload[done:]])


def _reframe(packet: bytes, span: Span, framing: Framing, nal: bytes) -> bytes:
    if framing.length_bytes is None:
        return packet[span.prefix : span.start] + nal
    return framing.frame(nal)
