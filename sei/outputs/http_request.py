"""The head of a player's request (RFC 9112), read once it is whole."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import httptools

from room.errors import Malformed, SeatsyncError

MAX_HEAD_BYTES: Final = 16 * 1024
END: Final = b"\r\n\r\n"
_METHOD: Final = re.compile(rb"(?:\r\n)?([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ")
_METHODS: Final = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_NO_BODY: Final = frozenset({b"", b"0"})


class HeadTooLarge(SeatsyncError):
    """The head of a request is longer than any player's."""

    code = "TOO_LARGE"


class MethodNotAllowed(SeatsyncError):
    """A player only reads."""

    code = "METHOD_NOT_ALLOWED"


class Request(NamedTuple):
    """What a player wants."""

    method: str
    """``GET``, ``HEAD`` or ``OPTIONS``."""
    target: str
    """Path and query, as sent."""
    path: str
    keep_alive: bool
    range: bytes
    """The field of that name; empty without it."""


class _Fields:
    """What llhttp tells about a head."""

    def __init__(self) -> None:
        self.target = b""
        self.found: dict[bytes, bytes] = {}
        self.is_complete = False
        self.keep_alive = False
        self.parser: Final = httptools.HttpRequestParser(self)

    def on_url(self, part: bytes) -> None:
        self.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.found[name.lower()] = value.strip(b" \t")

    def on_headers_complete(self) -> None:
        self.is_complete = True
        self.keep_alive = self.parser.should_keep_alive()  # forgotten once the request is over


def read_request(head: bytes) -> Request:
    """Read a head, its empty line included.

    Raises:
        MethodNotAllowed: it wants to do more than read.
        Malformed: it is no head, or announces a body.
    """
    method = _METHOD.match(head)
    if method is None:
        raise Malformed("this is no HTTP request")
    if method[1] not in _METHODS:
        raise MethodNotAllowed("a player only reads")
    fields = _Fields()
    try:
        fields.parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # asked for, not granted: the request stands as it is (RFC 9110 7.8)
    except httptools.HttpParserError:
        raise Malformed("this is no HTTP request") from None
    found = fields.found
    has_body = found.get(b"content-length", b"") not in _NO_BODY or b"transfer-encoding" in found
    if not fields.is_complete or has_body:
        raise Malformed("this is no request of a player")
    path, target = _split(fields.target)
    method_name = method[1].decode()
    return Request(method_name, target, path, fields.keep_alive, found.get(b"range", b""))


def _split(target: bytes) -> tuple[str, str]:
    """Give path, and path with query; a proxy may send the whole address (RFC 9112 3.2.2)."""
    if target == b"*":
        return "*", "*"
    try:
        url = httptools.parse_url(target)
        path = (url.path or b"/").decode("ascii")
        return path, f"{path}?{url.query.decode('ascii')}" if url.query else path
    except (httptools.HttpParserInvalidURLError, UnicodeDecodeError):
        raise Malformed("the target of the request is no address") from None
