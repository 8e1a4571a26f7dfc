"""A seated person changes seats, or is moved."""

from __future__ import annotations

from typing import Final

from room.commands import Command, SeatMove
from room.documents import Participation, State
from room.errors import Refused
from room.rules.checks import (
    check_open,
    check_rank,
    check_reserved,
    find_seat,
    is_privileged,
)
from room.rules.edits import end, seated, with_seats
from room.rules.terms import Change, Context, Rule


def move(state: State, command: SeatMove, context: Context) -> Change:
    """Change seats within one participation.

    Wishes, the person's mute and ``since`` go along; locks and mutes of seats stay where they are.
    """
    user_id = _who_moves(state, command, context)
    source = state.seat_of(user_id)
    if source is None:
        raise Refused("that person is on no seat", code="NOT_ON_SEAT")
    target = find_seat(state, command.to)
    result = {"seat_index": command.to}
    if source == command.to:
        return Change(state, result)
    check_reserved(state, command.to, user_id)
    displaced = target.occupant
    if displaced is not None:
        _check_displacement(state, command, context, displaced, source)
    check_open(target, may_enter_locked=is_privileged(state, context))
    edits = {
        command.to: seated(target, state.seats[source].occupant),
        source: seated(state.seats[source], displaced if command.policy == "swap" else None),
    }
    replaced = displaced is not None and command.policy == "replace"
    ended = (end(displaced, command.to, "replaced"),) if displaced and replaced else ()
    return Change(with_seats(state, edits), result, ended)


def _who_moves(state: State, command: SeatMove, context: Context) -> str:
    actor_id = context.actor.user_id
    user_id = command.user_id or actor_id
    if user_id != actor_id and not is_privileged(state, context):
        raise Refused("only the owner and admins move others", code="FORBIDDEN")
    check_rank(state, context, user_id)
    return user_id


def _check_displacement(
    state: State, command: SeatMove, context: Context, displaced: Participation, source: int
) -> None:
    """Whoever sits on the target gives way only where the policy and the ranks allow it."""
    if command.policy == "abort":
        raise Refused("somebody sits there", code="SEAT_OCCUPIED")
    check_rank(state, context, displaced.person.user_id)
    if command.policy == "swap":
        check_reserved(state, source, displaced.person.user_id)


RULES: Final[dict[type[Command], Rule]] = {SeatMove: move}
