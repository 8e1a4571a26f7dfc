"""A session starts and ends."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import Command, SessionEnd, SessionStart
from room.documents import SEAT_COUNT_BY_KIND, EndReason, Seat, Session, State
from room.errors import Refused
from room.rules.edits import end_all
from room.rules.terms import Change, Context, Rule


def start(state: State, command: SessionStart, context: Context) -> Change:
    """Build the seats and go live with nobody seated; arguments override the room's own."""
    if state.session is not None:
        raise Refused("a session is live already", code="SESSION_ALREADY_LIVE")
    kind = command.kind or state.kind
    count = command.seat_count or state.seat_count or SEAT_COUNT_BY_KIND[kind]
    session = Session(f"s_{context.new_id()}", kind, context.now_ms)
    after = msgspec.structs.replace(
        state,
        session=session,
        seats=(Seat(),) * count,
        seat_mode=command.seat_mode or state.room_seat_mode,
    )
    return Change(after, {"session_id": session.session_id})


def finish(state: State, command: SessionEnd, context: Context) -> Change:
    """End the session; where the platform ends it, the stays end as moderated."""
    actor = context.actor
    is_owner = actor.kind == "member" and actor.user_id == state.owner_id
    moderated = context.as_staff and not is_owner
    return close(state, "moderated" if moderated else "session_ended")


def close(state: State, reason: EndReason) -> Change:
    """End every participation, and with the session all mutes and cooldowns."""
    after = msgspec.structs.replace(
        state,
        session=None,
        seats=(),
        seat_mode=state.room_seat_mode,
        muted_users=(),
        cooldowns=(),
    )
    return Change(after, ended=end_all(state.seats, 0, reason))


RULES: Final[dict[type[Command], Rule]] = {SessionStart: start, SessionEnd: finish}
