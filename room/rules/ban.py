"""Who may not sit down for now."""

from __future__ import annotations

from room.commands import Command, SeatTake
from room.documents import State
from room.errors import Refused
from room.rules.terms import Context


def check_cooldown(state: State, command: Command, context: Context) -> None:
    """Refuse a seat to somebody kicked from one until their cooldown is over.

    Raises:
        Refused: ``USER_BANNED``, with the time that is left.
    """
    if not isinstance(command, SeatTake):
        return
    for cooldown in state.cooldowns:
        left_ms = cooldown.until_ms - context.now_ms
        if cooldown.user_id == context.actor.user_id and left_ms > 0:
            raise Refused(
                "you were taken off your seat and may not come back yet",
                code="USER_BANNED",
                retry_after_ms=left_ms,
            )
