"""Bodies of requests, read whole and bounded (RFC 9112 6 and 7)."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Protocol

import httptools

from gateway.config import MAX_BODY_BYTES
from gateway.edge.framing import FIELD_LINE, malformed
from gateway.edge.head import Head
from room.errors import SeatsyncError

MAX_CHUNK_LINE_BYTES: Final = 256
MAX_OVERHEAD_BYTES: Final = 8 * 1024
"""What sizes, extensions and trailers of a chunked body may take beside it."""

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_CHUNKED_HEAD: Final = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Body(Protocol):
    """A body that is on its way."""

    is_whole: bool

    def take(self, held: bytes) -> bytes:
        """Take what belongs to the body; give back the rest, to be offered again with more.

        Raises:
            Malformed: it is not framed as it must be.
            SeatsyncError: ``TOO_LARGE``.
        """
        ...

    def read(self) -> bytes:
        """Give the body, once it is whole."""
        ...


def too_large() -> SeatsyncError:
    """Give the error of a body that is over the limit."""
    return SeatsyncError("the body is over 64 KB", code="TOO_LARGE")


def expect_body(head: Head) -> Body:
    """Prepare for the body that a head announces.

    Raises:
        SeatsyncError: ``TOO_LARGE``.
    """
    if head.is_chunked:
        return ChunkedBody()
    if head.length > MAX_BODY_BYTES:
        raise too_large()
    return SizedBody(head.length)


class SizedBody:
    """A body of known size."""

    __slots__ = ("_parts", "_rest", "is_whole")

    def __init__(self, size_bytes: int) -> None:
        self.is_whole = size_bytes == 0
        self._rest = size_bytes
        self._parts = bytearray()

    def take(self, held: bytes) -> bytes:
        """Take up to the end of the body."""
        part = held[: self._rest]
        self._parts += part
        self._rest -= len(part)
        self.is_whole = self._rest == 0
        return held[len(part) :]

    def read(self) -> bytes:
        """Give the body."""
        return bytes(self._parts)


class _Step(Enum):
    SIZE = 1
    DATA = 2
    DATA_END = 3
    TRAILER = 4


class ChunkedBody:
    """A body in chunks: this finds its end, llhttp decodes it, and both must agree.

    Extensions and trailers are checked and dropped.
    """

    __slots__ = ("_decoder", "_overhead", "_parts", "_rest", "_size", "_step", "is_whole")

    def __init__(self) -> None:
        self.is_whole = False
        self._step = _Step.SIZE
        self._rest = 0
        self._size = 0
        self._overhead = 0
        self._parts = _Parts()
        self._decoder = httptools.HttpRequestParser(self._parts)
        self._decoder.feed_data(_CHUNKED_HEAD)

    def take(self, held: bytes) -> bytes:
        """Take whole lines, and of chunks what has come."""
        at = 0
        while at < len(held) and not self.is_whole:
            is_data = self._step is _Step.DATA
            end = self._take_data(held, at) if is_data else self._take_line(held, at)
            if end == at:
                break
            at = end
        self._decode(held[:at])
        return held[at:]

    def read(self) -> bytes:
        """Give the decoded body.

        Raises:
            Malformed: llhttp saw another body.
        """
        if self._parts.ends != 1 or len(self._parts.found) != self._size:
            raise malformed()
        return bytes(self._parts.found)

    def _take_data(self, held: bytes, at: int) -> int:
        taken = min(self._rest, len(held) - at)
        self._rest -= taken
        if not self._rest:
            self._step = _Step.DATA_END
        return at + taken

    def _take_line(self, held: bytes, at: int) -> int:
        end = held.find(b"\r\n", at, at + MAX_CHUNK_LINE_BYTES + 2)
        if end < 0:
            begun = held[at : at + MAX_CHUNK_LINE_BYTES + 2]
            if len(begun) > MAX_CHUNK_LINE_BYTES or not _may_become_line(begun, self._step):
                raise malformed()
            return at
        self._read_line(held[at:end])
        self._overhead += end + 2 - at
        if self._overhead > MAX_OVERHEAD_BYTES:
            raise too_large()
        return end + 2

    def _read_line(self, line: bytes) -> None:
        if self._step is _Step.SIZE:
            self._read_size(line)
        elif self._step is _Step.DATA_END:
            self._step = _Step.SIZE
            if line:
                raise malformed()
        elif not line:
            self.is_whole = True
        elif FIELD_LINE.fullmatch(line) is None:
            raise malformed()

    def _read_size(self, line: bytes) -> None:
        match = _SIZE.fullmatch(line)
        if match is None:
            raise malformed()
        self._rest = int(match[1], 16)
        self._size += self._rest
        if self._size > MAX_BODY_BYTES:
            raise too_large()
        self._step = _Step.DATA if self._rest else _Step.TRAILER

    def _decode(self, part: bytes) -> None:
        try:
            self._decoder.feed_data(part)
        except httptools.HttpParserError:
            raise malformed() from None
        if self._parts.ends != self.is_whole:
            raise malformed()


def _may_become_line(held: bytes, step: _Step) -> bool:
    """Tell whether a line without its end is one so far."""
    begun = held.removesuffix(b"\r")
    if step is _Step.DATA_END:
        return not begun
    if step is _Step.SIZE:
        return not begun or _SIZE.fullmatch(begun) is not None
    return b"\n" not in begun and b"\r" not in begun


class _Parts:
    """What llhttp tells about a body."""

    __slots__ = ("ends", "found")

    def __init__(self) -> None:
        self.found = bytearray()
        self.ends = 0

    def on_body(self, part: bytes) -> None:
        self.found += part

    def on_message_complete(self) -> None:
        self.ends += 1
