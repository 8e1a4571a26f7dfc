"""Who sits where, in the rooms that this node knows of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from room.documents import State
from room.snapshot import Edition

MAX_ROOMS: Final = 100_000
_NOBODY: Final[Mapping[str, Occupant]] = {}


class Occupant(NamedTuple):
    """Somebody on a seat."""

    seat_index: int
    participation_id: str
    is_lost: bool
    """Shown as ``link: lost``."""
    is_silenced: bool
    """By an admin: the person or the seat."""


class Occupied:
    """The seated users of each room, from the editions that this node learns of.

    Bounded: beyond ``max_rooms`` the room goes that was neither changed nor used for longest; it
    comes back with its next edition. A room where nobody sits takes no place.
    """

    def __init__(self, max_rooms: int = MAX_ROOMS) -> None:
        self._max_rooms = max_rooms
        self._rooms: OrderedDict[str, Mapping[str, Occupant]] = OrderedDict()

    def __len__(self) -> int:
        """Count the rooms where somebody sits."""
        return len(self._rooms)

    def observe(self, edition: Edition, before: Edition | None) -> None:
        """Learn of a newer edition; O(seats)."""
        self._rooms.pop(edition.room, None)
        occupants = occupants_of(edition.stored.state)
        if occupants:
            self._rooms[edition.room] = occupants
        if len(self._rooms) > self._max_rooms:
            self._rooms.popitem(last=False)

    def of(self, room: str) -> Mapping[str, Occupant]:
        """Give the seated users of a room by user id; empty where it is not known."""
        return self._rooms.get(room, _NOBODY)

    def find(self, room: str, user_id: str) -> Occupant | None:
        """Give one seated user."""
        return self.of(room).get(user_id)

    def use(self, room: str) -> None:
        """Keep a room from being the next to go."""
        if room in self._rooms:
            self._rooms.move_to_end(room)

    def slices(self, rooms_each: int) -> Iterator[tuple[str, ...]]:
        """Name the rooms of this moment, some at a time."""
        rooms = tuple(self._rooms)
        for start in range(0, len(rooms), rooms_each):
            yield rooms[start : start + rooms_each]


def occupants_of(state: State) -> Mapping[str, Occupant]:
    """Name who sits in a room, by user id; O(seats)."""
    return {
        seat.occupant.person.user_id: Occupant(
            index,
            seat.occupant.participation_id,
            seat.occupant.link == "lost",
            seat.audio_locked or seat.occupant.person.user_id in state.muted_users,
        )
        for index, seat in enumerate(state.seats)
        if seat.occupant is not None
    }
