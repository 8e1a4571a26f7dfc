"""The ``Date`` of answers, written once a second (RFC 9110 6.6.1)."""

from __future__ import annotations

from email.utils import formatdate

from store.port import Clock


class DateLine:
    """Gives the line of the present second, its CRLF included."""

    def __init__(self, clock_ms: Clock) -> None:
        self._clock_ms = clock_ms
        self._second = -1
        self._line = b""

    def __call__(self) -> bytes:
        """Give the line."""
        second = self._clock_ms() // 1000
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._line
