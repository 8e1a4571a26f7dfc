"""Edits that rules share: each gives a new value and leaves the old one alone."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from room.documents import EndReason, Participation, Seat, State
from room.rules.terms import Ended


def with_seats(state: State, edits: Mapping[int, Seat]) -> State:
    """Replace some seats by index."""
    seats = tuple(edits.get(index, seat) for index, seat in enumerate(state.seats))
    return msgspec.structs.replace(state, seats=seats)


def seated(seat: Seat, occupant: Participation | None) -> Seat:
    """Put somebody on a seat, or nobody."""
    return msgspec.structs.replace(seat, occupant=occupant)


def end(occupant: Participation, seat_index: int, reason: EndReason) -> Ended:
    """Say that a stay on a seat is over."""
    return Ended(occupant.participation_id, occupant.person.user_id, seat_index, reason)
