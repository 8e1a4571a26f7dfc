"""What every push connection brings to the door, whatever carries it: token, room, documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from gateway.schema import check_schema
from room.messages import read_have
from room.names import check_room
from room.position import Position

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
    check_schema(query.get("schema"))
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
