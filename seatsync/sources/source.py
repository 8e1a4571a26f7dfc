"""The interface of every channel."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple, Protocol

from room.errors import SeatsyncError
from room.reconcile import Channel
from room.snapshot import SCHEMA, Snapshot, read_head
from seatsync.errors import SourceEnded

MAX_SNAPSHOT_BYTES: Final = 1024 * 1024
CONNECT_TIMEOUT_S: Final = 10.0


class Arrival(NamedTuple):
    """A snapshot of the room, as a channel brought it."""

    channel: Channel
    snapshot: Snapshot
    signed: bool = False


class Opened(NamedTuple):
    """A sign of life without a snapshot: the connection works, and there is nothing newer."""

    channel: Channel


Signal = Arrival | Opened


class Source(Protocol):
    """A channel that can be connected again and again."""

    @property
    def channel(self) -> Channel:
        """Which channel this is."""
        ...

    def arrivals(self) -> AsyncGenerator[Signal, None]:
        """Live one life of the connection; closing the generator closes it.

        Raises:
            SourceEnded: the life is over; a generator that just finishes says "come back".
        """
        ...


def read_arrival(channel: Channel, room: str, body: bytes) -> Arrival:
    """Take bytes for a snapshot of a room's ``state``, if that is what they are.

    A login page that answers every address with 200 must not pass for an answer.

    Raises:
        SourceEnded: they are something else.
    """
    try:
        head = read_head(body)
    except SeatsyncError as error:
        raise SourceEnded(f"{channel} brought something that is no snapshot") from error
    if (head.room, head.doc) != (room, "state"):
        raise SourceEnded(f"{channel} brought a snapshot of something else")
    if head.schema != SCHEMA:
        raise SourceEnded(
            f"snapshots have schema {head.schema}, this client reads {SCHEMA}",
            permanent=True,
            code="UPGRADE_REQUIRED",
        )
    return Arrival(channel, Snapshot(head, body))
