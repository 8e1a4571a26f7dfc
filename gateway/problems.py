"""Errors as ``application/problem+json`` (RFC 9457); what failed inside stays in the log."""

from __future__ import annotations

import math
import random
from typing import Final, NamedTuple

import msgspec

from gateway.retry import ERROR_RETRY_MS
from room import wire
from room.errors import SeatsyncError
from room.messages import problem

CONTENT_TYPE: Final = "application/problem+json"
PLAIN_HEADERS: Final = {"Server": "seatsync", "X-Content-Type-Options": "nosniff"}
"""What every answer has: no version to look up, and no guessing of its type."""


class WebSocketRequired(SeatsyncError):
    """A request is none for a WebSocket of the one version there is (RFC 6455 4.4)."""

    def __init__(self) -> None:
        super().__init__("this is a WebSocket of version 13", code="UPGRADE_REQUIRED")


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an error."""

    type: str
    title: str
    status: int
    code: str
    retryable: bool
    retry_after_ms: int | msgspec.UnsetType = msgspec.UNSET
    epoch: int | msgspec.UnsetType = msgspec.UNSET
    version: int | msgspec.UnsetType = msgspec.UNSET


class Described(NamedTuple):
    """An error as it leaves by HTTP."""

    status: int
    headers: dict[str, str]
    """Beside ``Content-Type`` and the length."""
    body: bytes


def describe(error: SeatsyncError) -> Described:
    """Put an error into an answer; where a retry may help it says when.

    One error may go to a crowd that waited for the same read: each is given a time of its own, so
    that they do not come back together.
    """
    words = problem(error)
    retry_after_ms = error.retry_after_ms
    if retry_after_ms is None and words.retryable:
        retry_after_ms = random.randint(*ERROR_RETRY_MS)  # noqa: S311 - spread, not secrecy
    status = error.travel.status
    details = ProblemDetails(
        type=f"urn:seatsync:error:{error.code}",
        title=words.message,
        status=status,
        code=words.code,
        retryable=words.retryable,
        retry_after_ms=msgspec.UNSET if retry_after_ms is None else retry_after_ms,
        epoch=words.epoch,
        version=words.version,
    )
    headers = {"Cache-Control": "no-store", **PLAIN_HEADERS}
    if retry_after_ms is not None:
        headers["Retry-After"] = str(math.ceil(retry_after_ms / 1000))
    if status == 426:
        headers["Upgrade"] = "websocket"  # whoever sends it adds what belongs in Connection
        if isinstance(error, WebSocketRequired):
            headers["Sec-WebSocket-Version"] = "13"
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Described(status, headers, wire.encode(details))
