"""Answers of the front door as bytes: heads, and errors (RFC 9112 4, RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, NamedTuple

from gateway.problems import CONTENT_TYPE, PLAIN_HEADERS, describe
from room.errors import SeatsyncError

_NO_CONTENT: Final = frozenset({204, 304})
"""Statuses whose answers have no body, and no length of one (RFC 9110 8.6)."""
_FIRST: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}
PLAIN_FIELDS: Final = "".join(
    f"{name}: {value}\r\n" for name, value in PLAIN_HEADERS.items()
).encode()
"""The lines that every answer has."""


class Reply(NamedTuple):
    """An answer, but for what depends on the request and the moment."""

    head: bytes
    """Every line ends in CRLF; without ``Date``, ``Connection`` and the blank line."""
    body: bytes = b""


def reply_of(status: int, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Reply:
    """Write an answer; the headers that every answer has are added.

    Args:
        status: HTTP status.
        headers: names and values, none of them from a peer.
        body: whole.
    """
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
    length = "" if status in _NO_CONTENT else f"Content-Length: {len(body)}\r\n"
    head = f"{_FIRST[status]}{fields}{length}".encode("ascii")
    return Reply(head + PLAIN_FIELDS, body)


def problem_reply(error: SeatsyncError, allow: str | None = None) -> Reply:
    """Write an error; where a retry may help it says when.

    Args:
        error: what to tell.
        allow: the methods that the path has, with a 405 (RFC 9110 15.5.6).
    """
    status, headers, body = describe(error)
    fields = {"Content-Type": CONTENT_TYPE, **headers, **({"Allow": allow} if allow else {})}
    plain = [field for field in fields.items() if field[0] not in PLAIN_HEADERS]
    return reply_of(status, plain, body)
