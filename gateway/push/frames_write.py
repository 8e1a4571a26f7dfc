"""A server's frames, as bytes (RFC 6455 5)."""

from __future__ import annotations

from gateway.push.frames_events import MAX_CONTROL_BYTES, Opcode
from gateway.push.frames_header import FIN, write_header


def text_frame(payload: bytes) -> bytes:
    """Give a whole text message in one frame; ``payload`` is UTF-8."""
    return write_header(FIN | Opcode.TEXT, len(payload)) + payload


def ping_frame(payload: bytes = b"") -> bytes:
    """Give a ping; the peer's pong carries the same payload.

    Raises:
        ValueError: the payload is longer than 125 bytes.
    """
    return _control_frame(Opcode.PING, payload)


def pong_frame(payload: bytes = b"") -> bytes:
    """Give the answer to a ping with this payload.

    Raises:
        ValueError: the payload is longer than 125 bytes.
    """
    return _control_frame(Opcode.PONG, payload)


def close_frame(code: int | None = None, reason: str = "") -> bytes:
    """Give a close frame (RFC 6455 5.5.1).

    Args:
        code: None answers a close frame that had none.
        reason: cut to 123 bytes of whole characters.
    """
    if code is None:
        return _control_frame(Opcode.CLOSE, b"")
    said = reason.encode()[: MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return _control_frame(Opcode.CLOSE, code.to_bytes(2) + said)


def _control_frame(opcode: Opcode, payload: bytes) -> bytes:
    if len(payload) > MAX_CONTROL_BYTES:
        raise ValueError("a control frame holds 125 bytes at most")
    return write_header(FIN | opcode, len(payload)) + payload
