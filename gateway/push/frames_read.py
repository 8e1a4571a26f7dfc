"""A client's bytes into events (RFC 6455 5 to 8). No socket, no clock, and nothing held when idle.

Bytes wait only while a frame is not whole; payloads wait only while a message is not. What a frame
declares is checked against the bound before a byte of its payload is kept, and a refusal comes as
soon as the bytes that show it have come, so how a stream was cut into pieces makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.push.frames_events import (
    CloseFrame,
    Event,
    FrameError,
    Opcode,
    PingFrame,
    PongFrame,
    Text,
    Wrong,
    check_utf8,
)
from gateway.push.frames_header import Header, header_bytes, read_header
from gateway.push.frames_lone import lone_event, unmask

MAX_FRAGMENTS: Final = 1024
"""Frames of one message; more is 1008: empty ones would never reach the bound of its size."""

MAX_EVENTS: Final = 128
MAX_TOLD_BYTES: Final = 64 * 1024
"""What is read of a piece at once; the rest of it waits as it came."""

Inflate = Callable[[bytes, int], bytes]
"""Gives the message out of a compressed payload, of so many bytes at most, or raises FrameError."""


class FrameReader:
    """Reads the frames of one client.

    Args:
        max_message_bytes: of a whole message, inflated; more is 1009.
        inflate: undoes permessage-deflate where that was agreed; else RSV1 is 1002.

    Attributes:
        error: what was wrong, if it was found behind events that ``feed`` gave back. A driver looks
            at it after each ``feed``: no later bytes may ever come.
    """

    __slots__ = (
        "_ended",
        "_frames",
        "_held",
        "_inflate",
        "_limit",
        "_message",
        "_needed",
        "_packed",
        "error",
        "has_more",
    )

    def __init__(self, max_message_bytes: int, inflate: Inflate | None = None) -> None:
        self.error: FrameError | None = None
        self._limit = max_message_bytes
        self._inflate = inflate
        self._held: bytearray | None = None
        self._needed = 0
        self._message: bytearray | None = None
        self._frames = 0
        self._packed = False
        self._ended = False
        self.has_more = False

    @property
    def is_idle(self) -> bool:
        """Whether a new reader would do as well; never after a close frame or an error."""
        return self._held is None and self._message is None and not self._ended

    @property
    def held_bytes(self) -> int:
        """How many bytes of the client wait here; ``max_held_bytes`` at most."""
        return len(self._held or b"") + len(self._message or b"")

    @property
    def max_held_bytes(self) -> int:
        """The bound of ``held_bytes``: one message, and a control frame that came in between.

        And one piece of the socket, while it ``has_more``.
        """
        return self._max_payload(self._inflate is not None) + 6 + 125

    def feed(self, stream: bytes) -> list[Event]:
        """Take the next bytes of the client.

        Returns:
            The events that they completed, in order. Nothing follows a ``CloseFrame``: what comes
            after one is ignored (RFC 6455 5.5.1).

        Raises:
            FrameError: the client is wrong. If events came before, these are returned, ``error``
                is set, and any further call raises it.
        """
        self.has_more = False
        if self._ended:
            return self._after_the_end()
        if self._held is not None:
            self._held += stream
            if len(self._held) < self._needed:
                return []
            stream, self._held = bytes(self._held), None
        elif self._message is None:
            lone = lone_event(stream, self._limit)
            if lone is not None:
                return [lone]
        events: list[Event] = []
        try:
            self._read(stream, events)
        except FrameError as error:
            self._end(error)
            if not events:
                raise
        return events

    def _after_the_end(self) -> list[Event]:
        if self.error is not None:
            raise FrameError(self.error.code, self.error.reason)
        return []

    def _end(self, error: FrameError | None = None) -> None:
        if error is not None:
            # A new one: the traceback of the raised one would hold this reader, and it the error.
            self.error = FrameError(error.code, error.reason)
        self._ended = True
        self._message = None

    def _read(self, stream: bytes, events: list[Event]) -> None:
        at = told_bytes = 0
        while at < len(stream) and not self._ended:
            if len(events) == MAX_EVENTS or told_bytes >= MAX_TOLD_BYTES:
                self._hold(stream, at, 0)
                self.has_more = True
                return
            header = read_header(stream, at)
            if header is None:
                self._hold(stream, at, header_bytes(stream, at))
                return
            self._check(header)
            start = at + header.size
            end = start + header.length
            if end > len(stream):
                self._hold(stream, at, end - at)
                return
            event = self._take(header, unmask(stream[start:end], stream[start - 4 : start]))
            if event is not None:
                events.append(event)
                told_bytes += len(event[0]) if isinstance(event, Text) else 0
            at = end

    def _hold(self, stream: bytes, at: int, needed: int) -> None:
        self._held = bytearray(memoryview(stream)[at:])
        self._needed = needed

    def _check(self, header: Header) -> None:
        """Check a header against what came before it."""
        if header.control:
            return
        going_on = header.opcode == Opcode.CONTINUATION
        if going_on == (self._message is None):
            what = "nothing to continue" if going_on else "a message inside another"
            raise FrameError(Wrong.PROTOCOL, what)
        if header.packed and (going_on or self._inflate is None):
            raise FrameError(Wrong.PROTOCOL, "a reserved bit is set")
        if header.opcode == Opcode.BINARY:
            raise FrameError(Wrong.BINARY, "only text is understood")
        if going_on and self._frames == MAX_FRAGMENTS:
            raise FrameError(Wrong.POLICY, "a message has too many fragments")
        packed = self._packed if going_on else header.packed
        if len(self._message or b"") + header.length > self._max_payload(packed):
            raise FrameError(Wrong.TOO_BIG, "a message is too big")

    def _max_payload(self, packed: bool) -> int:
        """Bound a message as it is sent: deflate makes it longer by an eighth at worst."""
        return self._limit + self._limit // 8 + 64 if packed else self._limit

    def _take(self, header: Header, payload: bytes) -> Event | None:
        if header.control:
            return self._control(header.opcode, payload)
        message = self._message
        if message is None:
            self._packed = header.packed
            if header.final:
                return Text(self._text(payload))
            message = self._message = bytearray()
            self._frames = 0
        message += payload
        self._frames += 1
        if not header.final:
            return None
        self._message = None
        return Text(self._text(bytes(message)), self._frames)

    def _control(self, opcode: int, payload: bytes) -> Event:
        if opcode == Opcode.PING:
            return PingFrame(payload)
        if opcode == Opcode.PONG:
            return PongFrame(payload)
        close = read_close(payload)
        self._end()
        return close

    def _text(self, payload: bytes) -> bytes:
        if self._packed and self._inflate is not None:
            payload = self._inflate(payload, self._limit)
        check_utf8(payload)
        return payload


def read_close(payload: bytes) -> CloseFrame:
    """Read the payload of a close frame (RFC 6455 5.5.1, 7.4).

    Raises:
        FrameError: 1002: half a code, or one that may not be sent; 1007: the reason is not UTF-8.
    """
    if not payload:
        return CloseFrame(None, b"")
    if len(payload) == 1:
        raise FrameError(Wrong.PROTOCOL, "half a close code")
    code, reason = int.from_bytes(payload[:2]), payload[2:]
    if not may_be_sent(code):
        raise FrameError(Wrong.PROTOCOL, "a close code that may not be sent")
    check_utf8(reason)
    return CloseFrame(code, reason)


def may_be_sent(code: int) -> bool:
    """Tell whether a close frame may carry a code (RFC 6455 7.4; IANA has 1012 to 1014 since)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
