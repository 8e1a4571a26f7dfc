"""Three facts decide who is heard: the seat's mute, the person's mute, the person's own wish."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import Command, MicSet, SeatMute, SeatUnmute, UserMute, UserUnmute
from room.documents import State
from room.errors import Refused
from room.rules.checks import check_rank, find_seat
from room.rules.edits import seated, with_seats
from room.rules.terms import Change, Context, Rule

MAX_MUTED: Final = 1000


def mute_seat(state: State, command: SeatMute, context: Context) -> Change:
    """Silence a seat for whoever sits there; not over the head of an equal or higher rank."""
    occupant = find_seat(state, command.seat_index).occupant
    if occupant is not None:
        check_rank(state, context, occupant.person.user_id)
    return _set_audio_lock(state, command.seat_index, locked=True)


def unmute_seat(state: State, command: SeatUnmute, context: Context) -> Change:
    """Lift the silence of a seat."""
    return _set_audio_lock(state, command.seat_index, locked=False)


def mute_user(state: State, command: UserMute, context: Context) -> Change:
    """Silence a person, seated or not, until the session ends."""
    check_rank(state, context, command.user_id)
    if command.user_id in state.muted_users:
        return Change(state)
    if len(state.muted_users) >= MAX_MUTED:
        raise Refused(f"a session has at most {MAX_MUTED} muted persons", code="TOO_LARGE")
    muted = tuple(sorted({*state.muted_users, command.user_id}))
    return Change(msgspec.structs.replace(state, muted_users=muted))


def unmute_user(state: State, command: UserUnmute, context: Context) -> Change:
    """Lift the silence of a person."""
    check_rank(state, context, command.user_id)
    muted = tuple(user for user in state.muted_users if user != command.user_id)
    return Change(msgspec.structs.replace(state, muted_users=muted))


def set_mic(state: State, command: MicSet, context: Context) -> Change:
    """Record the occupant's wish; nobody muted may ask to be heard."""
    user_id = context.actor.user_id
    index = state.seat_of(user_id)
    occupant = None if index is None else state.seats[index].occupant
    if index is None or occupant is None:
        raise Refused("you are on no seat", code="NOT_ON_SEAT")
    seat = state.seats[index]
    if command.on and (seat.audio_locked or user_id in state.muted_users):
        raise Refused("an admin has muted you", code="MUTED_BY_ADMIN")
    heard = msgspec.structs.replace(occupant, mic_on=command.on)
    return Change(with_seats(state, {index: seated(seat, heard)}))


def _set_audio_lock(state: State, index: int, *, locked: bool) -> Change:
    seat = msgspec.structs.replace(find_seat(state, index), audio_locked=locked)
    return Change(with_seats(state, {index: seat}))


RULES: Final[dict[type[Command], Rule]] = {
    SeatMute: mute_seat,
    SeatUnmute: unmute_seat,
    UserMute: mute_user,
    UserUnmute: unmute_user,
    MicSet: set_mic,
}
