"""From command to rule, after the checks that every command shares."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import NAMES, Command, SessionStart
from room.documents import State
from room.errors import Refused
from room.policy import check_permission
from room.rules import moderation, moving, mute, seating, session
from room.rules.ban import check_cooldown
from room.rules.terms import Change, Context, Rule

RULES: Final[dict[type[Command], Rule]] = {
    **session.RULES,
    **seating.RULES,
    **moving.RULES,
    **moderation.RULES,
    **mute.RULES,
}


def reduce(state: State, command: Command, context: Context) -> Change:
    """Compute what a command makes of a room.

    Args:
        state: the room before.
        command: what is asked.
        context: who asks, when, and where fresh ids come from.

    Raises:
        Refused: the rules say no; the code says which.
    """
    check_cooldown(state, command, context)
    as_staff = check_permission(state, context.actor, NAMES[type(command)])
    if state.session is None and not isinstance(command, SessionStart):
        raise Refused("no session is live in this room", code="SESSION_NOT_LIVE")
    context = msgspec.structs.replace(context, as_staff=as_staff)
    return RULES[type(command)](state, command, context)
