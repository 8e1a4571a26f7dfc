"""The checks that rules share, each with the code it refuses with."""

from __future__ import annotations

from room.actor import outranks
from room.documents import OWNER_SEAT, Seat, State
from room.errors import Refused
from room.rules.terms import Context


def find_seat(state: State, index: int) -> Seat:
    """Give the seat at an index.

    Raises:
        Refused: ``SEAT_NOT_FOUND``.
    """
    if not 0 <= index < len(state.seats):
        raise Refused("the room has no such seat", code="SEAT_NOT_FOUND")
    return state.seats[index]


def check_rank(state: State, context: Context, target_id: str) -> None:
    """Refuse to act upon an equal or a higher rank; staff act by permission of the command.

    Raises:
        Refused: ``TARGET_OUTRANKS``.
    """
    if not context.as_staff and not outranks(state, context.actor.user_id, target_id):
        raise Refused("that person is not below you in this room", code="TARGET_OUTRANKS")


def is_privileged(state: State, context: Context) -> bool:
    """Tell whether the actor is owner or admin of this room."""
    return state.rank_of(context.actor.user_id) != "member"


def check_not_seated(state: State, user_id: str) -> None:
    """Refuse a second seat to somebody who holds one.

    Raises:
        Refused: ``ALREADY_ON_SEAT``.
    """
    if user_id in state.seated_users():
        raise Refused("that person is on a seat already", code="ALREADY_ON_SEAT")


def check_reserved(state: State, index: int, user_id: str) -> None:
    """Keep the owner's seat for the owner.

    Raises:
        Refused: ``SEAT_RESERVED``.
    """
    if index == OWNER_SEAT and user_id != state.owner_id:
        raise Refused("that seat is the owner's", code="SEAT_RESERVED")


def check_open(seat: Seat, *, may_enter_locked: bool) -> None:
    """Keep people without the right out of a locked seat.

    Raises:
        Refused: ``SEAT_LOCKED``.
    """
    if seat.locked and not may_enter_locked:
        raise Refused("that seat is locked", code="SEAT_LOCKED")
