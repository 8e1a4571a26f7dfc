"""Owner and admins keep order on the seats: kick, lock, unlock."""

from __future__ import annotations

from typing import Final

import msgspec

from room.actor import outranks
from room.commands import Command, SeatKick, SeatLock, SeatUnlock
from room.documents import OWNER_SEAT, Cooldown, Participation, Seat, State
from room.errors import Refused
from room.rules.checks import check_rank, find_seat
from room.rules.edits import end, seated, unseat, with_seats
from room.rules.terms import Change, Context, Ended, Rule


def kick(state: State, command: SeatKick, context: Context) -> Change:
    """Take a person off their seat; for somebody not seated nothing changes."""
    check_rank(state, context, command.user_id)
    if command.seat_index is not None:
        find_seat(state, command.seat_index)
    after, ended = unseat(state, command.user_id, "kicked")
    if not ended:
        return Change(state)
    if command.seat_index not in (None, ended[0].seat_index):
        raise Refused("that person has moved to another seat", code="SEAT_CHANGED")
    cooldowns = _cooldowns_after(state, command, context)
    return Change(msgspec.structs.replace(after, cooldowns=cooldowns), ended=ended)


def _cooldowns_after(state: State, command: SeatKick, context: Context) -> tuple[Cooldown, ...]:
    """Drop what has run out, so that the list is bounded by the kicks of one day."""
    kept = tuple(
        cooldown
        for cooldown in state.cooldowns
        if cooldown.until_ms > context.now_ms and cooldown.user_id != command.user_id
    )
    if not command.cooldown_s:
        return kept
    return (*kept, Cooldown(command.user_id, context.now_ms + command.cooldown_s * 1000))


def lock(state: State, command: SeatLock, context: Context) -> Change:
    """Lock a seat, or all but the owner's.

    With ``evict`` an occupant goes. One seat names a person, so an equal or higher rank there is an
    error; ``all`` evicts those below the actor and leaves the others where they sit.
    """
    if command.seat_index == OWNER_SEAT:
        raise Refused("the owner's seat is never locked", code="SEAT_RESERVED")
    edits: dict[int, Seat] = {}
    ended: list[Ended] = []
    for index in _targets(state, command.seat_index):
        seat = state.seats[index]
        leaver = _evicted(state, command, context, seat)
        if leaver is not None:
            ended.append(end(leaver, index, "kicked"))
            seat = seated(seat, None)
        edits[index] = msgspec.structs.replace(seat, locked=True)
    return Change(with_seats(state, edits), ended=tuple(ended))


def _evicted(state: State, command: SeatLock, context: Context, seat: Seat) -> Participation | None:
    occupant = seat.occupant
    if not command.evict or occupant is None:
        return None
    user_id = occupant.person.user_id
    if command.seat_index != "all":
        check_rank(state, context, user_id)
        return occupant
    below = user_id != context.actor.user_id and outranks(state, context.actor.user_id, user_id)
    return occupant if below else None


def unlock(state: State, command: SeatUnlock, context: Context) -> Change:
    """Unlock a seat, or all."""
    edits = {
        index: msgspec.structs.replace(state.seats[index], locked=False)
        for index in _targets(state, command.seat_index)
    }
    return Change(with_seats(state, edits))


def _targets(state: State, seat_index: int | str) -> tuple[int, ...]:
    """Give the seats that a command means; ``all`` spares the owner's."""
    if isinstance(seat_index, str):
        return tuple(index for index in range(len(state.seats)) if index != OWNER_SEAT)
    find_seat(state, seat_index)
    return (seat_index,)


RULES: Final[dict[type[Command], Rule]] = {SeatKick: kick, SeatLock: lock, SeatUnlock: unlock}
