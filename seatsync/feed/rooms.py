"""What a feed knows of its rooms; no clock, no socket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from yarl import URL

from room.names import check_room
from room.position import Position
from room.reconcile import Reconciler
from room.snapshot import Snapshot
from seatsync.access import Access
from seatsync.errors import SourceEnded
from seatsync.sources.source import Arrival

_log: Final = logging.getLogger(__name__)


class FollowedRoom:
    """One room that is wanted.

    Args:
        access: where it is.
    """

    def __init__(self, access: Access) -> None:
        self.access: Final = access
        self.code = ""
        """Of what the gateway has against it; empty while nothing."""
        self.heard_at_s: float | None = None
        self.reconciler: Final = Reconciler()

    @property
    def position(self) -> Position | None:
        """What is held of it."""
        held = self.reconciler.held()
        return None if held is None else held.position


class Rooms:
    """The rooms that are wanted now.

    Args:
        base_url: of the gateway.
        on_snapshot: told each snapshot that is newer than what was held of its room.
    """

    def __init__(self, base_url: URL, on_snapshot: Callable[[Snapshot], None]) -> None:
        self._base_url: Final = base_url
        self._on_snapshot: Final = on_snapshot
        self._rooms: Final[dict[str, FollowedRoom]] = {}
        self.snapshots = 0
        """How many of them there were."""

    def __contains__(self, room: str) -> bool:
        return room in self._rooms

    def __getitem__(self, room: str) -> FollowedRoom:
        return self._rooms[room]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._rooms))

    def __len__(self) -> int:
        return len(self._rooms)

    @property
    def missing(self) -> int:
        """How many of them the gateway does not know."""
        return sum(followed.code == "ROOM_NOT_FOUND" for followed in self._rooms.values())

    def add(self, room: str) -> None:
        """Want a room.

        Raises:
            InvalidArgument: the room id is malformed.
        """
        self._rooms[room] = FollowedRoom(Access(self._base_url, check_room(room)))

    def remove(self, room: str) -> None:
        """Want it no more."""
        del self._rooms[room]

    def take(self, arrival: Arrival) -> None:
        """Judge a snapshot of one of the rooms by its position."""
        snapshot = arrival.snapshot
        verdict = self._rooms[snapshot.room].reconciler.offer(
            snapshot.doc, snapshot.position, snapshot.view, arrival.channel
        )
        if verdict.shows:
            self.snapshots += 1
            self._on_snapshot(snapshot)

    def confirmed(self, room: str, at_s: float) -> None:
        """Note that the gateway answered for a room: what is held is the newest."""
        self._rooms[room].code = ""
        self.heard(room, at_s)

    def heard(self, room: str, at_s: float) -> None:
        """Note when what is held was the newest, as far as is known."""
        followed = self._rooms[room]
        followed.heard_at_s = max(at_s, followed.heard_at_s or at_s)

    def refused(self, room: str, ended: SourceEnded) -> None:
        """Say once what the gateway has against a room; that it does not answer is no news here."""
        followed = self._rooms[room]
        if ended.permanent and followed.code != ended.code:
            followed.code = ended.code
            facts = {"room": room, "code": ended.code, "reason": ended.reason}
            _log.warning("a room cannot be followed now; it is asked for again", extra=facts)
