"""Answers to players: heads, problems, parts of a segment (RFC 9110, 9457)."""

from __future__ import annotations

import re
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

from room.errors import TABLE, SeatsyncError
from sei.outputs.http_request import HeadTooLarge

_COMMON: Final = (
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Expose-Headers: Accept-Ranges, Content-Length, Content-Range, Date\r\n"
    "Server: seatsync\r\n"
    "X-Content-Type-Options: nosniff\r\n"
)
ALLOW: Final = "GET, HEAD, OPTIONS"
NO_STORE: Final = "no-store"
_RANGE: Final = re.compile(rb"bytes=([0-9]{0,15})-([0-9]{0,15})")
_NO_RANGE_STATUS: Final = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


class Answer(NamedTuple):
    """A whole answer, head and body apart so that the body is shared."""

    head: bytes
    body: bytes | memoryview = b""


class Span(NamedTuple):
    """A part of a content, its end excluded."""

    start: int
    end: int


def head(status: int, *fields: str, keep_alive: bool) -> bytes:
    """Write the head of an answer."""
    lines = "".join(f"{field}\r\n" for field in fields)
    stays = "keep-alive" if keep_alive else "close"
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nDate: {formatdate(usegmt=True)}\r\n"
        f"{_COMMON}{lines}Connection: {stays}\r\n\r\n"
    ).encode()


def live_head(content_type: str) -> bytes:
    """Write the head of an endless answer; its end is that of the connection (RFC 9112 6.3)."""
    return head(
        200,
        f"Content-Type: {content_type}",
        f"Cache-Control: {NO_STORE}",
        "X-Accel-Buffering: no",  # nginx in front passes every byte on at once
        keep_alive=False,
    )


def content(
    body: bytes, content_type: str, cache: str, *, wanted: bytes, keep_alive: bool
) -> Answer:
    """Answer with a content, or with the one part of it that is wanted (RFC 9110 14)."""
    span = read_range(wanted, len(body))
    fields = [f"Content-Type: {content_type}", f"Cache-Control: {cache}", "Accept-Ranges: bytes"]
    if span is None:
        return Answer(
            head(200, *fields, f"Content-Length: {len(body)}", keep_alive=keep_alive), body
        )
    if span.start >= span.end:
        fields = [f"Content-Range: bytes */{len(body)}", "Content-Length: 0"]
        return Answer(head(_NO_RANGE_STATUS, *fields, keep_alive=keep_alive))
    fields += [
        f"Content-Range: bytes {span.start}-{span.end - 1}/{len(body)}",
        f"Content-Length: {span.end - span.start}",
    ]
    part = memoryview(body)[span.start : span.end]
    return Answer(head(206, *fields, keep_alive=keep_alive), part)


def read_range(wanted: bytes, size: int) -> Span | None:
    """Read a ``Range``; None for the whole: without one, or with one that may be ignored."""
    match = _RANGE.fullmatch(wanted)
    if match is None or match.groups() == (b"", b""):
        return None
    first, last = match.groups()
    if not first:
        return Span(max(size - int(last), 0), size)
    if last and int(last) < int(first):
        return None
    return Span(int(first), min(int(last) + 1, size) if last else size)


def preflight(*, keep_alive: bool) -> Answer:
    """Let pages of every origin ask for parts (Fetch, CORS preflight)."""
    fields = (
        f"Allow: {ALLOW}",
        f"Access-Control-Allow-Methods: {ALLOW}",
        "Access-Control-Allow-Headers: *",
        "Access-Control-Max-Age: 86400",
    )
    return Answer(head(204, *fields, keep_alive=keep_alive))


def elsewhere(target: str) -> Answer:
    """Send to the same address on a new connection, which then ends where it belongs."""
    fields = (f"Location: {target}", f"Cache-Control: {NO_STORE}", "Content-Length: 0")
    return Answer(head(307, *fields, keep_alive=False))


def problem(error: SeatsyncError, *, keep_alive: bool) -> Answer:
    """Say no as problem+json (RFC 9457)."""
    travel = TABLE[error.code]
    status = 431 if isinstance(error, HeadTooLarge) else travel.status
    told = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": error.code,
        "detail": error.message,
        "retryable": travel.retryable,
    }
    body = msgspec.json.encode(told)
    fields = ["Content-Type: application/problem+json", f"Content-Length: {len(body)}"]
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        fields.append(f"Allow: {ALLOW}")
    if error.retry_after_ms is not None:
        fields.append(f"Retry-After: {-(-error.retry_after_ms // 1000)}")
    answer = head(status, *fields, f"Cache-Control: {NO_STORE}", keep_alive=keep_alive)
    return Answer(answer, body)
