"""The head of a request, read once and checked before anything is done for it (RFC 9112)."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

import httptools

from gateway.edge.framing import (
    HEAD,
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_LINE_BYTES,
    check_single,
    malformed,
    read_expectation,
    read_host,
    read_length,
    read_options,
    read_target,
)
from room.errors import InvalidArgument

MAX_PARAMS: Final = 64
KNOWN_METHODS: Final = frozenset(
    {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE"}
)


_COMMON: Final = (
    "Accept Accept-Encoding Accept-Language Authorization Cache-Control Connection Content-Length "
    "Content-Type DNT Host If-Match If-None-Match Last-Event-ID Origin Pragma Referer "
    "Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-WebSocket-Extensions Sec-WebSocket-Key "
    "Sec-WebSocket-Protocol Sec-WebSocket-Version Upgrade User-Agent X-Forwarded-For "
    "X-Forwarded-Host X-Forwarded-Proto X-Real-IP"
)
_NAMES: Final = {
    spelling: lower
    for name in _COMMON.split()
    for lower in (name.lower().encode(),)
    for spelling in (name.encode(), lower)
}
"""One object for each name that is common: heads are kept as long as their connections."""


class Head:
    """A request's head that holds what it promises; never changed, so one may serve many requests.

    Attributes:
        raw: the bytes that it was read from.
        method: as sent; any token.
        path: as sent, percent-encoded, without the query; ``*`` for OPTIONS of the whole server.
        query: as sent, without the question mark; empty where there is none.
        host: of an absolute-form target its authority, ``Host`` otherwise; empty in HTTP/1.0 only.
        version: ``1.1`` or ``1.0``.
        keep_alive: whether the connection may stay (RFC 9112 9.3).
        upgrade: whether another protocol is asked for (RFC 9110 7.8).
        length: bytes of the body, where ``Content-Length`` says so.
        is_chunked: whether the body comes in chunks.
        expects_continue: whether the client waits for a 100 before it sends the body.
        has_body: whether bytes of a body follow.
        fields: values in their order by name in lower case, without the blanks around them.
        memo: for whoever routes requests; what it keeps here goes with the head.
    """

    __slots__ = (
        "_params",
        "expects_continue",
        "fields",
        "has_body",
        "host",
        "is_chunked",
        "keep_alive",
        "length",
        "memo",
        "method",
        "path",
        "query",
        "raw",
        "upgrade",
        "version",
    )

    def __init__(
        self,
        raw: bytes,
        method: bytes,
        target: bytes,
        version: str,
        fields: dict[bytes, list[bytes]],
    ) -> None:
        is_1_1 = version == "1.1"
        self.raw = raw
        self.method = method.decode()
        self.version = version
        self.fields = fields
        self.path, self.query, authority = read_target(method, target)
        check_single(fields)
        host = read_host(fields, is_1_1)
        self.host = host if authority is None else authority
        self.length, self.is_chunked = read_length(fields, is_1_1)
        self.has_body = self.is_chunked or self.length > 0
        self.expects_continue = read_expectation(fields, is_1_1)
        options = read_options(fields)
        self.keep_alive = (is_1_1 or b"keep-alive" in options) and b"close" not in options
        self.upgrade = is_1_1 and b"upgrade" in options and b"upgrade" in fields
        self.memo: object = None
        self._params: dict[str, str] | None = None

    @property
    def params(self) -> dict[str, str]:
        """The decoded query; of each name the first value.

        Raises:
            InvalidArgument: there are too many.
        """
        if self._params is None:
            self._params = _decode(self.query)
        return self._params

    def get(self, name: bytes) -> str | None:
        """Give the first value of a field; ``name`` in lower case."""
        values = self.fields.get(name)
        return None if values is None else values[0].decode("latin-1")

    def all(self, name: bytes) -> tuple[str, ...]:
        """Give every value of a field; ``name`` in lower case."""
        return tuple(value.decode("latin-1") for value in self.fields.get(name, ()))


def read_head(raw: bytes) -> Head:
    """Read a whole head, its empty line included.

    Raises:
        Malformed: it is no head, or none that can be read in one way only.
    """
    match = HEAD.fullmatch(raw) if len(raw) <= MAX_HEAD_BYTES else None
    if match is None:
        raise malformed()
    method, target, version, lines = match.groups()
    if lines.count(b"\r\n") > MAX_FIELDS or _longest(raw) > MAX_LINE_BYTES:
        raise malformed()
    fields = _parse(raw, method, match.start(1))
    if sum(map(len, fields.values())) != lines.count(b"\r\n"):
        raise malformed()
    return Head(raw, method, target, version.decode(), fields)


class _Fields:
    """What llhttp tells about a head."""

    __slots__ = ("found", "is_complete")

    def __init__(self) -> None:
        self.found: dict[bytes, list[bytes]] = {}
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        key = _NAMES.get(name) or name.lower()
        self.found.setdefault(key, []).append(value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        self.is_complete = True


def _parse(raw: bytes, method: bytes, at: int) -> dict[bytes, list[bytes]]:
    """Let llhttp read the head; it knows a list of methods, any other goes as POST."""
    fields = _Fields()
    shown = raw if method in KNOWN_METHODS else b"POST" + raw[at + len(method) :]
    try:
        httptools.HttpRequestParser(fields).feed_data(shown)
    except httptools.HttpParserUpgrade:
        pass  # it stops behind the head, as we do
    except httptools.HttpParserError:
        raise malformed() from None
    if not fields.is_complete:
        raise malformed()
    return fields.found


def _longest(raw: bytes) -> int:
    if len(raw) <= MAX_LINE_BYTES:
        return 0
    return max(map(len, raw.split(b"\r\n")))


def _decode(query: str) -> dict[str, str]:
    """Decode as HTML forms are: ``+`` is a blank, what is no UTF-8 becomes U+FFFD."""
    pairs = query.split("&", MAX_PARAMS) if query else []
    if len(pairs) > MAX_PARAMS:
        raise InvalidArgument("there are too many parameters")
    params: dict[str, str] = {}
    for pair in filter(None, pairs):
        name, _, value = pair.partition("=")
        params.setdefault(_unquote(name), _unquote(value))
    return params


def _unquote(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text
