"""People sit down and stand up."""

from __future__ import annotations

from typing import Final

from room.actor import Actor
from room.commands import ANY_SEAT, Command, SeatLeave, SeatTake
from room.documents import OWNER_SEAT, Participation, Person, State
from room.errors import Refused
from room.rules.checks import check_open, check_reserved, find_seat
from room.rules.edits import end, seated, with_seats
from room.rules.terms import Change, Context, Rule

MODE_ERROR: Final = {"apply": "APPROVAL_REQUIRED", "invite": "INVITE_REQUIRED"}


def take(state: State, command: SeatTake, context: Context) -> Change:
    """Sit down on a free seat; owner and admins enter locked seats and need no approval."""
    actor = context.actor
    if state.seat_of(actor.user_id) is not None:
        raise Refused("you are on a seat already", code="ALREADY_ON_SEAT")
    index = command.seat_index
    if index == ANY_SEAT:
        index = _first_free(state, actor)
    _check_entry(state, index, actor)
    occupant = Participation(
        participation_id=f"p_{context.new_id()}",
        person=Person(actor.user_id, actor.display_name, actor.avatar),
        since_ms=context.now_ms,
    )
    result = {
        "seat_index": index,
        "participation_id": occupant.participation_id,
        "media_mode": "rtc",
    }
    return Change(with_seats(state, {index: seated(state.seats[index], occupant)}), result)


def leave(state: State, command: SeatLeave, context: Context) -> Change:
    """Stand up; for somebody not seated nothing changes."""
    index = state.seat_of(context.actor.user_id)
    occupant = None if index is None else state.seats[index].occupant
    result = {"media_mode": "cdn"}
    if index is None or occupant is None:
        return Change(state, result)
    after = with_seats(state, {index: seated(state.seats[index], None)})
    return Change(after, result, (end(occupant, index, "left"),))


def _first_free(state: State, actor: Actor) -> int:
    """Find the first seat that is free, open, and not reserved for another."""
    for index, seat in enumerate(state.seats):
        reserved = index == OWNER_SEAT and actor.user_id != state.owner_id
        if seat.occupant is None and not seat.locked and not reserved:
            return index
    raise Refused("every open seat is taken", code="NO_FREE_SEAT")


def _check_entry(state: State, index: int, actor: Actor) -> None:
    privileged = state.rank_of(actor.user_id) != "member"
    seat = find_seat(state, index)
    check_reserved(state, index, actor.user_id)
    if seat.occupant is not None:
        raise Refused("somebody sits there", code="SEAT_OCCUPIED")
    check_open(seat, may_enter_locked=privileged)
    if not privileged and state.seat_mode != "free":
        code = MODE_ERROR[state.seat_mode]
        raise Refused(f"seats are given by {state.seat_mode} in this room", code=code)


RULES: Final[dict[type[Command], Rule]] = {SeatTake: take, SeatLeave: leave}
