"""How somebody comes to sit: which seat is free for them, and the stay that begins there."""

from __future__ import annotations

from typing import Any

from room.documents import OWNER_SEAT, Participation, Person, Seat, State
from room.errors import Refused
from room.rules.checks import check_open, check_reserved, find_seat
from room.rules.edits import seated, with_seats
from room.rules.terms import Context


def is_free(state: State, index: int, seat: Seat, user_id: str) -> bool:
    """Tell whether a seat is empty, open, and not reserved for another."""
    reserved = index == OWNER_SEAT and user_id != state.owner_id
    return seat.occupant is None and not seat.locked and not reserved


def first_free(state: State, user_id: str) -> int:
    """Find the first seat that is free for a user; O(seats).

    Raises:
        Refused: ``NO_FREE_SEAT``.
    """
    for index, seat in enumerate(state.seats):
        if is_free(state, index, seat, user_id):
            return index
    raise Refused("every open seat is taken", code="NO_FREE_SEAT")


def check_entry(state: State, index: int, user_id: str, *, may_enter_locked: bool) -> None:
    """Refuse a seat that a user may not sit down on.

    Raises:
        Refused: ``SEAT_NOT_FOUND``, ``SEAT_RESERVED``, ``SEAT_OCCUPIED``, ``SEAT_LOCKED``.
    """
    seat = find_seat(state, index)
    check_reserved(state, index, user_id)
    if seat.occupant is not None:
        raise Refused("somebody sits there", code="SEAT_OCCUPIED")
    check_open(seat, may_enter_locked=may_enter_locked)


def sit(state: State, index: int, person: Person, context: Context) -> tuple[State, dict[str, Any]]:
    """Begin a stay on a seat that was found free.

    Returns:
        the room with the person seated, and what whoever sits there is told.
    """
    occupant = Participation(f"p_{context.new_id()}", person, context.now_ms)
    result = {
        "seat_index": index,
        "participation_id": occupant.participation_id,
        "media_mode": "rtc",
    }
    return with_seats(state, {index: seated(state.seats[index], occupant)}), result
