"""The first line of a player's request, as far as the front has to understand it. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

MAX_LINE_BYTES: Final = 4096
_LINE: Final = re.compile(rb"([A-Z]{1,16}) ([!-~]+) HTTP/1\.[01]")
_LIVE: Final = re.compile(r"/live/([A-Za-z0-9_-]{1,64})(?:\.[a-z0-9]{1,8}|/.*)", re.ASCII)
METHODS: Final = ("GET", "HEAD", "OPTIONS")


class BadLine(ValueError):
    """What came is no line of an HTTP/1 request."""


class Asked(NamedTuple):
    """What the front needs to know of a request."""

    method: str
    path: str
    stream: str | None
    """Name in ``/live/<name>.<form>`` and ``/live/<name>/…``; None for every other path."""


def read_line(peeked: bytes) -> Asked | None:
    """Read the line out of what has come so far; None while it is not whole.

    Raises:
        BadLine: no more bytes can make it one.
    """
    peeked = peeked.lstrip(b"\r\n")  # RFC 9112 2.2: empty lines in front of it are let pass
    line, end, _ = peeked.partition(b"\n")
    if not end:
        if len(peeked) >= MAX_LINE_BYTES or not _may_become(peeked):
            raise BadLine
        return None
    match = _LINE.fullmatch(line.removesuffix(b"\r"))
    if match is None:
        raise BadLine
    try:
        path = unquote(urlsplit(match[2].decode("ascii")).path)
    except ValueError:
        raise BadLine from None
    live = _LIVE.fullmatch(path)
    return Asked(match[1].decode("ascii"), path, live[1] if live else None)


def _may_become(start: bytes) -> bool:
    """Refuse what is not HTTP at its first bytes: TLS, RTMP, noise."""
    return re.match(rb"[A-Z]{0,16}(?: [!-~]*(?: [HTP/1.0\r]*)?)?\Z", start) is not None
