"""People sit down and stand up."""

from __future__ import annotations

from typing import Final

from room.commands import ANY_SEAT, Command, SeatLeave, SeatTake
from room.documents import State
from room.errors import Refused
from room.rules.checks import check_not_seated, is_privileged
from room.rules.edits import unseat
from room.rules.entry import check_entry, first_free, sit
from room.rules.terms import Change, Context, Rule

MODE_ERROR: Final = {"apply": "APPROVAL_REQUIRED", "invite": "INVITE_REQUIRED"}


def take(state: State, command: SeatTake, context: Context) -> Change:
    """Sit down on a free seat; owner and admins enter locked seats and need no approval."""
    actor = context.actor
    check_not_seated(state, actor.user_id)
    index = command.seat_index
    if index == ANY_SEAT:
        index = first_free(state, actor.user_id)
    privileged = is_privileged(state, context)
    check_entry(state, index, actor.user_id, may_enter_locked=privileged)
    if not privileged and state.seat_mode != "free":
        code = MODE_ERROR[state.seat_mode]
        raise Refused(f"seats are given by {state.seat_mode} in this room", code=code)
    return Change(*sit(state, index, actor.person, context))


def leave(state: State, command: SeatLeave, context: Context) -> Change:
    """Stand up; for somebody not seated nothing changes."""
    after, ended = unseat(state, context.actor.user_id, "left")
    return Change(after, {"media_mode": "cdn"}, ended)


RULES: Final[dict[type[Command], Rule]] = {SeatTake: take, SeatLeave: leave}
