"""Who is an admin of the room."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import Command, RoleGrant, RoleRevoke
from room.documents import State
from room.errors import Refused
from room.rules.ban import check_not_banned
from room.rules.terms import Change, Context, Rule

MAX_ADMINS: Final = 200


def grant(state: State, command: RoleGrant, context: Context) -> Change:
    """Make somebody an admin; for the owner and for admins nothing changes."""
    check_not_banned(state, command.user_id, context.now_ms)
    if state.rank_of(command.user_id) != "member":
        return Change(state)
    if len(state.admins) >= MAX_ADMINS:
        raise Refused(f"a room has at most {MAX_ADMINS} admins", code="TOO_LARGE")
    return Change(msgspec.structs.replace(state, admins=(*state.admins, command.user_id)))


def revoke(state: State, command: RoleRevoke, context: Context) -> Change:
    """Make an admin a member again; whoever is none stays what they are."""
    admins = tuple(user_id for user_id in state.admins if user_id != command.user_id)
    return Change(msgspec.structs.replace(state, admins=admins))


RULES: Final[dict[type[Command], Rule]] = {RoleGrant: grant, RoleRevoke: revoke}
