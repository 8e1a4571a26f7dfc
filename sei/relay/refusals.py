"""What the front answers itself: the bytes of whole HTTP responses. Pure."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from room.errors import TABLE

_HEADERS: Final = (
    "Access-Control-Allow-Origin: *\r\n"
    "Cache-Control: no-store\r\n"
    "Server: seatsync\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n"
)
_ALLOW: Final = "GET, HEAD, OPTIONS"
RETRY_AFTER_S: Final = 1

PREFLIGHT: Final = (
    f"HTTP/1.1 204 No Content\r\n{_HEADERS}"
    f"Allow: {_ALLOW}\r\nAccess-Control-Allow-Methods: {_ALLOW}\r\n"
    "Access-Control-Allow-Headers: *\r\nAccess-Control-Max-Age: 86400\r\n\r\n"
).encode()
"""To OPTIONS of whatever path: what a page may ask is the same everywhere."""


def alive(method: str) -> bytes:
    """Answer ``/livez``."""
    return _answer(200, b'{"status": "ok"}', "application/json", method)


def problem(code: str, detail: str, method: str = "GET") -> bytes:
    """Refuse as problem+json (RFC 9457) with the status of a code."""
    travel = TABLE[code]
    body = {
        "title": HTTPStatus(travel.status).phrase,
        "status": travel.status,
        "detail": detail,
        "code": code,
        "retryable": travel.retryable,
    }
    more = {405: f"Allow: {_ALLOW}\r\n", 503: f"Retry-After: {RETRY_AFTER_S}\r\n"}
    return _answer(
        travel.status,
        json.dumps(body).encode(),
        "application/problem+json",
        method,
        more.get(travel.status, ""),
    )


def _answer(status: int, body: bytes, content_type: str, method: str, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{_HEADERS}{more}"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else body)
