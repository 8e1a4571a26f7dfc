"""The commonest input by far: one small whole frame in one piece. Read without any state."""

from __future__ import annotations

from typing import Final

from gateway.push.frames_events import Event, PingFrame, PongFrame, Text, is_utf8

_TEXT: Final = 0x81
_PING: Final = 0x89
_PONG: Final = 0x8A


def lone_event(stream: bytes, max_message_bytes: int) -> Event | None:
    """Read one whole masked text, ping or pong frame that fills ``stream`` exactly.

    Only right between messages, when nothing of an earlier frame is held. A caller that gets an
    event needs no ``FrameReader``.

    Returns:
        None for anything else, also for what breaks the protocol: a ``FrameReader`` decides.
    """
    size = len(stream)
    if size < 6:
        return None
    first = stream[0]
    length = stream[1] ^ 0x80
    if length < 126 and length == size - 6:
        start = 6
    elif length == 126 and size > 133 and int.from_bytes(stream[2:4]) == size - 8:
        start = 8
    else:
        return None
    if first == _TEXT:
        if size - start > max_message_bytes:
            return None
        payload = unmask(stream[start:], stream[start - 4 : start])
        return Text(payload) if is_utf8(payload) else None
    if start == 8 or (first != _PONG and first != _PING):
        return None
    payload = unmask(stream[6:], stream[2:6])
    return PongFrame(payload) if first == _PONG else PingFrame(payload)


def unmask(payload: bytes, key: bytes) -> bytes:
    """Undo a client's masking (RFC 6455 5.3)."""
    size = len(payload)
    if not size:
        return b""
    keys = int.from_bytes((key * ((size + 3) // 4))[:size], "little")
    return (int.from_bytes(payload, "little") ^ keys).to_bytes(size, "little")
