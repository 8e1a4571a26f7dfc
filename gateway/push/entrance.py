"""What every push connection brings to the door, whatever carries it: token, room, documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from room.errors import InvalidArgument, SeatsyncError
from room.messages import read_have
from room.names import check_room
from room.position import Position
from room.snapshot import SCHEMA

SUBPROTOCOL: Final = "seatsync.v1"
BEARER_PREFIX: Final = "bearer."


class Wish(NamedTuple):
    """What a connection asks to follow from the start."""

    docs: tuple[str, ...]
    have: Mapping[str, Position]


def read_wish(query: Mapping[str, str], last_event_id: str | None = None) -> Wish:
    """Read the query of a push connection.

    Raises:
        InvalidArgument: a part of it is not well formed.
        SeatsyncError: ``UPGRADE_REQUIRED``.
    """
    schema = query.get("schema", str(SCHEMA))
    if not (schema.isascii() and schema.isdigit() and len(schema) <= 9):
        raise InvalidArgument("schema is a whole number")
    if int(schema) < SCHEMA:
        raise SeatsyncError(f"schema {SCHEMA} is the oldest served", code="UPGRADE_REQUIRED")
    docs = tuple(filter(None, query.get("docs", "state").split(",")))
    return Wish(docs, read_have(last_event_id or query.get("have", "")))


def offered_token(offered: Iterable[str]) -> str | None:
    """Find a token among the offered subprotocols: browsers can't set a header."""
    for protocol in offered:
        if protocol.startswith(BEARER_PREFIX):
            return protocol.removeprefix(BEARER_PREFIX)
    return None


def check_home(room: str | None) -> str | None:
    """Check the room of a connection, where it has one.

    Raises:
        InvalidArgument: it is not well formed.
    """
    return None if room is None else check_room(room)
