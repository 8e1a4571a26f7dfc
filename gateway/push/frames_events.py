"""What a client's frames amount to, and how a stream of them can be wrong (RFC 6455 5 to 8)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

MAX_CONTROL_BYTES: Final = 125
"""RFC 6455 5.5."""


class Opcode(IntEnum):
    """RFC 6455 11.8."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class Wrong(IntEnum):
    """Close codes for what a client did wrong (RFC 6455 7.4.1)."""

    PROTOCOL = 1002
    BINARY = 1003
    CONTENT = 1007
    POLICY = 1008
    TOO_BIG = 1009


class FrameError(Exception):
    """A client broke the protocol or passed a bound; nothing that it sends later counts.

    Attributes:
        code: for the close frame.
        reason: one sentence for a person, ASCII, short enough for a close frame.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = int(code)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class Text(NamedTuple):
    """A whole text message."""

    payload: bytes
    """UTF-8, checked."""
    frames: int = 1
    """How many frames it came in."""


class PingFrame(NamedTuple):
    """To be answered by a pong with the same payload (RFC 6455 5.5.2)."""

    payload: bytes


class PongFrame(NamedTuple):
    """An answer to a ping, or a sign of life that nobody asked for (RFC 6455 5.5.3)."""

    payload: bytes


class CloseFrame(NamedTuple):
    """The last event of a connection (RFC 6455 5.5.1)."""

    code: int | None
    """None: the client gave none, which applications call 1005 (RFC 6455 7.1.5)."""
    reason: bytes
    """UTF-8, checked; 123 bytes at most."""


Event = Text | PingFrame | PongFrame | CloseFrame


def is_utf8(text: bytes) -> bool:
    """Tell whether a text is UTF-8: whole, shortest forms, no surrogates (RFC 3629 3)."""
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_utf8(text: bytes) -> None:
    """Check that a text is UTF-8 (RFC 6455 8.1).

    Raises:
        FrameError: 1007.
    """
    if not is_utf8(text):
        raise FrameError(Wrong.CONTENT, "a text is not UTF-8")
