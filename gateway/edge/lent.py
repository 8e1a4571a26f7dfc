"""One request handed to aiohttp, and the connection taken back when it is answered.

aiohttp is shown a connection of its own that carries one request and is to be closed behind the
answer: that it closes is how the door knows. What it writes passes through, but for the line that
says so: whether the client's connection stays is the door's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from gateway.edge.exchange import CLOSE, KEEP_ALIVE
from gateway.edge.head import KNOWN_METHODS, Head
from room.errors import Unavailable

if TYPE_CHECKING:
    from gateway.edge.door import Door

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"content-length",  # said anew, of the body as it was read
        b"expect",  # answered by the door
        b"host",  # said anew: of an absolute-form target it is the authority
        b"keep-alive",
        b"proxy-connection",
        b"sec-websocket-key1",  # of an upgrade that aiohttp refuses to read
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110 7.6.1; what ``Connection`` names beside them stays: nobody may strike our fields."""

UNHEARD_OF: Final = b"TRACE"
"""Stands for every method that aiohttp's parser may not know: nothing answers to it either, so that
what is told is right, the methods that there are among it."""
MAX_ANSWER_HEAD_BYTES: Final = 64 * 1024
_BLANK: Final = b"\r\n\r\n"
_DROPPED: Final = (b"connection:", b"keep-alive:")
_BODILESS: Final = frozenset({b"204", b"304"})
_PASSED: Final = frozenset({"peername", "sockname"})


def request_bytes(head: Head, body: bytes) -> bytes:
    """Write a request anew from what was checked, for a connection that ends with it."""
    target = f"{head.path}?{head.query}" if head.query else head.path
    method = head.method.encode() if head.method.encode() in KNOWN_METHODS else UNHEARD_OF
    lines = [b"%b %b HTTP/%b" % (method, target.encode(), head.version.encode())]
    if head.host:
        lines.append(b"Host: " + head.host.encode())
    for name, values in head.fields.items():
        if name not in HOP_BY_HOP:
            lines += [b"%b: %b" % (name, value) for value in values]
    if head.has_body or head.fields.get(b"content-length"):
        lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"Connection: close")
    return b"\r\n".join(lines) + _BLANK + body


class AnswerHead:
    """The head of aiohttp's answer, with the line about the connection that is true here.

    Attributes:
        raw: as the client gets it.
        size_bytes: of the body behind it; None: only the end of the connection can delimit it.
    """

    __slots__ = ("raw", "size_bytes")

    def __init__(self, raw: bytes, head: Head, *, may_stay: bool) -> None:
        status, *lines = raw.removesuffix(_BLANK).split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(_DROPPED)]
        self.size_bytes = _body_bytes(status, kept, head)
        if not may_stay or self.size_bytes is None:
            connection = CLOSE
        else:
            connection = KEEP_ALIVE if head.version == "1.0" else b""
        self.raw = b"\r\n".join((status, *kept, connection + b"\r\n"))


def _body_bytes(status: bytes, lines: list[bytes], head: Head) -> int | None:
    """Say how long a body is (RFC 9112 6.3); one in chunks is not followed to its end."""
    if head.method == "HEAD" or status[9:12] in _BODILESS:
        return 0
    lengths = [line for line in lines if line.lower().startswith(b"content-length:")]
    return int(lengths[0].partition(b":")[2]) if len(lengths) == 1 else None


class LentTransport(asyncio.Transport):
    """The connection that aiohttp believes to have.

    Args:
        door: whose request it is.
        head: of the request.
        handler: answers it.
    """

    def __init__(self, door: Door, head: Head, handler: asyncio.Protocol) -> None:
        super().__init__()
        self._door: Door | None = door
        self._head = head
        self._handler = handler
        self._begun = b""
        self._rest: int | None = 0
        """What of the answer's body is still to come; None: nobody knows."""
        self._has_head = False
        self._stays = False
        self._is_reading = True

    def serve(self, body: bytes) -> None:
        """Let the handler answer the request."""
        self._handler.connection_made(self)
        self._handler.data_received(request_bytes(self._head, body))

    def leave(self) -> None:
        """The client has left."""
        if self._door is not None:
            self._lose()

    def pause(self) -> None:
        """The client does not read fast enough."""
        self._handler.pause_writing()

    def resume(self) -> None:
        """The client has caught up."""
        self._handler.resume_writing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Pass on what belongs to the answer."""
        door = self._door
        if door is None:
            return
        if self._has_head:
            data = self._of_body(bytes(data))
            if data:
                door.send(data)
            return
        self._begun += bytes(data)
        end = self._begun.find(_BLANK) + len(_BLANK)
        if end >= len(_BLANK):
            self._write_head(door, self._begun[:end], self._begun[end:])
            self._begun = b""
        elif len(self._begun) > MAX_ANSWER_HEAD_BYTES:
            self.abort()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Pass on several pieces as one."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Give the connection back: the answer is complete, or never will be."""
        door = self._door
        if door is None:
            return
        self._lose()
        if not self._has_head:
            door.take_back_unanswered(Unavailable("try again"))
        else:
            door.take_back(self._stays and self._rest == 0)

    def abort(self) -> None:
        """Cut the client off."""
        door = self._door
        if door is not None:
            self._lose()
            door.abort()

    def is_closing(self) -> bool:
        """Tell whether the request is over."""
        return self._door is None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Tell the addresses; the socket is not lent."""
        if self._door is None or name not in _PASSED:
            return default
        return self._door.transport.get_extra_info(name, default)

    def can_write_eof(self) -> bool:
        """Half a connection can't be closed."""
        return False

    def is_reading(self) -> bool:
        """Tell whether the handler wants more."""
        return self._is_reading

    def pause_reading(self) -> None:
        """Do nothing: the request was given whole."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Do nothing: the request was given whole."""
        self._is_reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Do nothing: the connection's limits are the door's."""

    def get_write_buffer_size(self) -> int:
        """Count what the client has not taken yet."""
        return 0 if self._door is None else self._door.transport.get_write_buffer_size()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Refuse: a lent connection carries one request.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("a lent connection stays with its handler")

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Give the handler."""
        return self._handler

    def _lose(self) -> None:
        """Tell the handler that its connection is gone; soon, since its task may not have begun."""
        self._door = None
        asyncio.get_running_loop().call_soon(self._handler.connection_lost, None)

    def _write_head(self, door: Door, raw: bytes, body: bytes) -> None:
        head = self._head
        may_stay = head.keep_alive and not head.upgrade and not door.house.leaving
        answer = AnswerHead(raw, head, may_stay=may_stay)
        self._has_head = True
        self._rest = answer.size_bytes
        self._stays = may_stay and answer.size_bytes is not None
        door.send(answer.raw + self._of_body(body))

    def _of_body(self, data: bytes) -> bytes:
        """Give what belongs to the body; what is beyond its length would be read as an answer."""
        if self._rest is not None:
            data = data[: self._rest]
            self._rest -= len(data)
        return data
