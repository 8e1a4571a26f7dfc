"""Messages from the gateway by WebSocket or SSE that may end a connection (PROTOCOL.md 6)."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec import UNSET

from room import wire
from room.errors import SeatsyncError
from room.messages import Bye, Problem
from room.reconcile import Channel
from seatsync.errors import SourceEnded
from seatsync.sources.source import Arrival, read_arrival

M = TypeVar("M")

_CODES: Final[dict[int, str]] = {
    4500: "UNAUTHENTICATED",
    4501: "FORBIDDEN",
    4502: "ROOM_NOT_FOUND",
    4504: "UPGRADE_REQUIRED",
}
_FOR_GOOD: Final = range(4500, 5000)


class _Kind(msgspec.Struct):
    """What every message has."""

    type: str
    doc: str = "state"


_KIND: Final = msgspec.json.Decoder(_Kind)
_BYE: Final = msgspec.json.Decoder(Bye)
_PROBLEM: Final = msgspec.json.Decoder(Problem)


def kind_of(body: bytes) -> str:
    """Read the type of a message.

    Raises:
        SourceEnded: it is none.
    """
    return read(_KIND, body).type


def read(decoder: msgspec.json.Decoder[M], body: bytes) -> M:
    """Read a message of a known type.

    Raises:
        SourceEnded: its shape is wrong.
    """
    try:
        return wire.read(decoder, body)
    except SeatsyncError as error:
        raise SourceEnded(f"a message could not be read: {error.message}") from error


def take(channel: Channel, room: str, kind: str, body: bytes) -> Arrival | None:
    """Take a message for what it means to a reader of one room; None for those that mean nothing.

    Raises:
        SourceEnded: the message ends the connection, or is malformed.
    """
    match kind:
        case "snapshot" if read(_KIND, body).doc == "state":
            return read_arrival(channel, room, body)
        case "bye":
            bye = read(_BYE, body)
            raise closed(bye.code, bye.reason, _set(bye.retry_after_ms))
        case "error":
            _check_subscription(read(_PROBLEM, body), room)
    return None


def closed(code: int | None, reason: str, retry_after_ms: int | None = None) -> SourceEnded:
    """Say what a close code means; any code outside 4500..4999 means "come back"."""
    return SourceEnded(
        f"closed by the gateway with {code}: {reason}" if reason else f"closed with {code}",
        permanent=code in _FOR_GOOD,
        retry_after_ms=retry_after_ms,
        code=_CODES.get(code or 0, "UNAVAILABLE"),
    )


def _check_subscription(problem: Problem, room: str) -> None:
    """End the connection where the error is about what we follow."""
    ours = problem.doc == "state" and problem.room in (UNSET, room)
    if ours and problem.cmd_id is UNSET:
        raise SourceEnded(
            f"{problem.code}: {problem.message}",
            permanent=not problem.retryable,
            retry_after_ms=_set(problem.retry_after_ms),
            code=problem.code,
        )


def _set(value: int | msgspec.UnsetType) -> int | None:
    return None if isinstance(value, msgspec.UnsetType) else value
