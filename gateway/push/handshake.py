"""The opening handshake of a WebSocket, the server's side (RFC 6455 4.2)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha1
from typing import Final, NamedTuple

from gateway.problems import WebSocketRequired
from gateway.push.deflate import accept_deflate
from room.errors import InvalidArgument

VERSION: Final = "13"

_SWITCHING: Final = (
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: "
)
_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
"""Base64 of 16 bytes."""

Values = Callable[[bytes], Iterable[str]]
"""Gives the values of every line of a header field; its name is in lower case."""


class Offer(NamedTuple):
    """What a client offers besides the WebSocket itself."""

    subprotocols: tuple[str, ...]
    """In the client's order of preference."""
    deflate: str | None
    """What to answer in Sec-WebSocket-Extensions; None: no compression."""


def is_upgrade(values: Values) -> bool:
    """Tell whether a request asks for a WebSocket of the one version there is."""
    return (
        "upgrade" in _words(values(b"connection"))
        and "websocket" in _words(values(b"upgrade"))
        and [value.strip() for value in values(b"sec-websocket-version")] == [VERSION]
    )


def check_upgrade(method: str, version: str, values: Values) -> str:
    """Check a request that is to become a WebSocket (RFC 6455 4.2.1).

    Args:
        method: ``GET``.
        version: of HTTP, ``1.1``.
        values: the header's lists.

    Returns:
        The key, for ``switching_head``.

    Raises:
        WebSocketRequired: it does not ask for a WebSocket of version 13.
        InvalidArgument: it does, and is not well formed.
    """
    if not is_upgrade(values):
        raise WebSocketRequired
    if method != "GET" or version != "1.1":
        raise InvalidArgument("a WebSocket is opened by GET of HTTP/1.1")
    keys = [value.strip(" \t") for value in values(b"sec-websocket-key")]
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise InvalidArgument("Sec-WebSocket-Key is 16 bytes in base64")
    return keys[0]


def read_offer(values: Values) -> Offer:
    """Read what a client offers.

    Raises:
        InvalidArgument: its extensions are not well formed (RFC 6455 9.1).
    """
    return Offer(
        offered_subprotocols(values(b"sec-websocket-protocol")),
        accept_deflate(values(b"sec-websocket-extensions")),
    )


def offered_subprotocols(lines: Iterable[str]) -> tuple[str, ...]:
    """Give the subprotocols of all lines, in order."""
    return tuple(_elements(lines))


def accept_of(key: str) -> str:
    """Give the Sec-WebSocket-Accept that answers a key (RFC 6455 4.2.2 5.4)."""
    digest = sha1((key + _GUID).encode(), usedforsecurity=False)
    return b64encode(digest.digest()).decode()


def switching_head(key: str, subprotocol: str | None, extensions: str | None) -> bytes:
    """Give the head of the 101: every line with its CRLF, the blank line still to come.

    Args:
        key: from ``check_upgrade``.
        subprotocol: the chosen one; None where none of ours was offered.
        extensions: ``deflate`` of ``read_offer``.
    """
    return f"{_SWITCHING}{accept_of(key)}\r\n{_chosen(subprotocol, extensions)}".encode("latin-1")


@lru_cache(maxsize=64)
def _chosen(subprotocol: str | None, extensions: str | None) -> str:
    lines = ""
    if subprotocol is not None:
        lines += f"Sec-WebSocket-Protocol: {subprotocol}\r\n"
    if extensions is not None:
        lines += f"Sec-WebSocket-Extensions: {extensions}\r\n"
    return lines


def _words(lines: Iterable[str]) -> frozenset[str]:
    return _words_of(",".join(lines))


@lru_cache(maxsize=256)
def _words_of(line: str) -> frozenset[str]:
    return frozenset(element.lower() for element in _elements((line,)))


def _elements(lines: Iterable[str]) -> list[str]:
    """Split the lists of several lines; empty elements don't count (RFC 9110 5.6.1)."""
    stripped = (element.strip(" \t") for element in ",".join(lines).split(","))
    return [element for element in stripped if element]
