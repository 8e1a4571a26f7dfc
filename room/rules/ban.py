"""Who may send nothing in the room, and who may not sit down for now."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import Command, RequestApply, SeatTake, UserBan, UserUnban
from room.documents import Ban, State
from room.errors import Refused
from room.rules.checks import check_rank
from room.rules.edits import unseat
from room.rules.terms import Change, Context, Rule

MAX_BANS: Final = 1000


def check_sender(state: State, command: Command, context: Context) -> None:
    """Refuse every command of a banned person, and a seat to one whose cooldown is not over.

    Only people are banned: service and staff act by the platform's permission.

    Raises:
        Refused: ``USER_BANNED``, with the time that is left where it ends.
    """
    actor = context.actor
    if actor.kind != "member":
        return
    check_not_banned(state, actor.user_id, context.now_ms)
    if isinstance(command, SeatTake | RequestApply):
        _check_cooldown(state, actor.user_id, context.now_ms)


def check_not_banned(state: State, user_id: str, now_ms: int) -> None:
    """Refuse what is about a banned person; O(bans).

    Raises:
        Refused: ``USER_BANNED``, with the time that is left where it ends.
    """
    for ban in state.bans:
        if ban.user_id == user_id and ban.holds_at(now_ms):
            left_ms = None if ban.until_ms is None else ban.until_ms - now_ms
            raise Refused(
                "that person is banned from this room", code="USER_BANNED", retry_after_ms=left_ms
            )


def _check_cooldown(state: State, user_id: str, now_ms: int) -> None:
    for cooldown in state.cooldowns:
        left_ms = cooldown.until_ms - now_ms
        if cooldown.user_id == user_id and left_ms > 0:
            raise Refused(
                "you were taken off your seat and may not come back yet",
                code="USER_BANNED",
                retry_after_ms=left_ms,
            )


def ban_user(state: State, command: UserBan, context: Context) -> Change:
    """Take a person off their seat and keep them from everything; a second ban replaces the term.

    Their requests end in the reducer, and a mute stays. What ran out of the others is dropped.
    """
    user_id = command.user_id
    if user_id == context.actor.user_id:
        raise Refused("nobody bans themselves", code="TARGET_OUTRANKS")
    check_rank(state, context, user_id)
    term_ms = None if command.ttl_s is None else context.now_ms + command.ttl_s * 1000
    ban = Ban(user_id, term_ms)
    if ban in state.bans:
        return Change(state)
    others = tuple(
        other for other in state.bans if other.user_id != user_id and other.holds_at(context.now_ms)
    )
    if len(others) >= MAX_BANS:
        raise Refused(f"a room has at most {MAX_BANS} bans", code="TOO_LARGE")
    after, ended = unseat(state, user_id, "banned")
    return Change(msgspec.structs.replace(after, bans=(*others, ban)), ended=ended)


def unban_user(state: State, command: UserUnban, context: Context) -> Change:
    """Lift a ban; for somebody whom none holds back nothing changes."""
    bans = tuple(
        ban
        for ban in state.bans
        if ban.user_id != command.user_id or not ban.holds_at(context.now_ms)
    )
    return Change(msgspec.structs.replace(state, bans=bans))


RULES: Final[dict[type[Command], Rule]] = {UserBan: ban_user, UserUnban: unban_user}
