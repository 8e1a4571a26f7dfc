"""Edits that rules share: each gives a new value and leaves the old one alone."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from room.documents import EndReason, Participation, Seat, State
from room.rules.terms import Ended


def with_seats(state: State, edits: Mapping[int, Seat]) -> State:
    """Replace some seats by index."""
    seats = list(state.seats)
    for index, seat in edits.items():
        seats[index] = seat
    return msgspec.structs.replace(state, seats=tuple(seats))


def seated(seat: Seat, occupant: Participation | None) -> Seat:
    """Put somebody on a seat, or nobody."""
    return msgspec.structs.replace(seat, occupant=occupant)


def unseat(state: State, user_id: str, reason: EndReason) -> tuple[State, tuple[Ended, ...]]:
    """Take a user off their seat; for somebody not seated nothing changes.

    Returns:
        the room after, and the stay that ended, if any.
    """
    for index, seat in enumerate(state.seats):
        occupant = seat.occupant
        if occupant is not None and occupant.person.user_id == user_id:
            ended = end(occupant, index, reason)
            return with_seats(state, {index: seated(seat, None)}), (ended,)
    return state, ()


def end_all(seats: tuple[Seat, ...], first_index: int, reason: EndReason) -> tuple[Ended, ...]:
    """Say that every stay on these seats is over; they begin at ``first_index``."""
    return tuple(
        end(seat.occupant, index, reason)
        for index, seat in enumerate(seats, first_index)
        if seat.occupant is not None
    )


def end(occupant: Participation, seat_index: int, reason: EndReason) -> Ended:
    """Say that a stay on a seat is over."""
    return Ended(occupant.participation_id, occupant.person.user_id, seat_index, reason)
