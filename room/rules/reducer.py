"""From command to rule, after the checks that every command shares, and what follows from it."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import (
    NAMES,
    Command,
    RoleGrant,
    RoleRevoke,
    SessionStart,
    SystemExpire,
    SystemLink,
    SystemReap,
    UserBan,
    UserUnban,
)
from room.documents import Requests, State
from room.errors import Refused
from room.policy import check_permission
from room.rules import (
    ban,
    invites,
    moderation,
    moving,
    mute,
    requests,
    roles,
    seating,
    session,
    shape,
    system,
)
from room.rules.queue import expire, fail_impossible, forget
from room.rules.terms import Change, Context, Rule

RULES: Final[dict[type[Command], Rule]] = {
    **session.RULES,
    **seating.RULES,
    **moving.RULES,
    **moderation.RULES,
    **mute.RULES,
    **shape.RULES,
    **requests.RULES,
    **invites.RULES,
    **roles.RULES,
    **ban.RULES,
    **system.RULES,
}
WITHOUT_SESSION: Final = frozenset(
    {
        SessionStart,
        RoleGrant,
        RoleRevoke,
        UserBan,
        UserUnban,
        SystemReap,
        SystemLink,
        SystemExpire,
    }
)
"""Commands that are carried out whether or not a session is live."""


def admit(state: State, command: Command, context: Context) -> bool:
    """Check what comes before the command's own rule: ban, permission, session.

    Returns:
        whether the platform permits it, so that ranks do not hold the actor back.

    Raises:
        Refused: ``USER_BANNED``, ``FORBIDDEN``, ``SESSION_NOT_LIVE``.
    """
    ban.check_sender(state, command, context)
    as_staff = check_permission(state, context.actor, NAMES[type(command)])
    if state.session is None and type(command) not in WITHOUT_SESSION:
        raise Refused("no session is live in this room", code="SESSION_NOT_LIVE")
    return as_staff


def reduce(state: State, command: Command, context: Context) -> Change:
    """Compute what a command makes of a room.

    Args:
        state: the room before.
        command: what is asked.
        context: who asks, when, the room's requests, and where fresh ids come from.

    Returns:
        the room after; the very ``state`` that was given, and no requests, where nothing changed.

    Raises:
        Refused: the rules say no; the code says which.
    """
    as_staff = admit(state, command, context)
    current = expire(context.requests, context.now_ms)
    seen = msgspec.structs.replace(context, as_staff=as_staff, requests=current)
    change = RULES[type(command)](state, command, seen)
    return msgspec.structs.replace(
        change,
        state=_settle_state(state, change.state, context.now_ms),
        requests=_settle_requests(change, context.requests, current, context.now_ms),
    )


def _settle_state(before: State, after: State, now_ms: int) -> State:
    """Note since when nobody has been seated, if that changed with everything else."""
    if after == before:
        return before
    live = after.session
    is_empty = not after.seated_users()
    if live is None or is_empty is (live.empty_since_ms is not None):
        return after
    noted = msgspec.structs.replace(live, empty_since_ms=now_ms if is_empty else None)
    return msgspec.structs.replace(after, session=noted)


def _settle_requests(
    change: Change, before: Requests, current: Requests, now_ms: int
) -> Requests | None:
    """End the requests that the change made impossible; None where requests stay as they are.

    Requests that merely ran out stay listed until a change touches requests, or the server says
    ``system.expire``: a seat that is taken must not wake the readers of the queue.
    """
    if change.requests is None and fail_impossible(before, change.state, now_ms) is before:
        return None
    chosen = current if change.requests is None else change.requests
    after = fail_impossible(chosen, change.state, now_ms)
    return None if after is before else forget(after, now_ms)
