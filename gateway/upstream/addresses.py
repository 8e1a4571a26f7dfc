"""Upstreams as an operator writes them: ``x-NAME=URL``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gateway.config import Upstream
from room.errors import InvalidArgument
from room.names import is_doc, is_external

FORM: Final = "x-NAME=URL"
ROOM: Final = "{room}"


def read_upstream(text: str) -> Upstream:
    """Read one upstream.

    Raises:
        InvalidArgument: it is not of that form; the message says where.
    """
    doc, equals, url = text.partition("=")
    doc = doc.strip()
    if not (equals and is_doc(doc) and is_external(doc)):
        raise InvalidArgument(f"{text!r} is not {FORM} with a name of 1 to 32 of a-z 0-9 -")
    return Upstream(doc, _read_url(url.strip()))


def check_upstreams(upstreams: Sequence[Upstream]) -> None:
    """Refuse two sources of one document.

    Raises:
        InvalidArgument: the message names it.
    """
    seen = set()
    for upstream in upstreams:
        if upstream.doc in seen:
            raise InvalidArgument(f"--upstream: {upstream.doc} is given twice")
        seen.add(upstream.doc)


def _read_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")  # a resolver would refuse it at every read
    except ValueError:
        raise InvalidArgument(f"{url!r} is not an http:// or https:// address") from None
    if not usable or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`|'):
        raise InvalidArgument(f"{url!r} is not an http:// or https:// address")
    _check_parts(url, parts)
    return url


def _check_parts(url: str, parts: SplitResult) -> None:
    if "@" in parts.netloc:
        # the address is seen in lists of processes and in logs
        raise InvalidArgument("an upstream's address names a user; no password belongs there")
    if "#" in url:
        raise InvalidArgument(f"{url!r}: a fragment is never sent")
    beside = url.replace(ROOM, "")
    if "{" in beside or "}" in beside:
        raise InvalidArgument(f"{url!r}: only {ROOM} may stand in braces")
    if ROOM in parts.netloc:
        raise InvalidArgument(f"{url!r}: {ROOM} may stand in the path and the query alone")
