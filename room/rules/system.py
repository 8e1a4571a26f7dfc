"""What the server does of its own accord: abandoned seats, broken links, what has run out."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import Command, SystemExpire, SystemLink, SystemReap
from room.documents import Participation, State
from room.rules.edits import end, seated, with_seats
from room.rules.session import close
from room.rules.terms import Change, Context, Rule

IDLE_SESSION_MS: Final = 300_000
"""How long a session goes on with nobody seated (DOMAIN.md 1)."""


def reap(state: State, command: SystemReap, context: Context) -> Change:
    """End an abandoned stay; one that is over already changes nothing."""
    found = _find(state, command.participation_id)
    if found is None:
        return Change(state)
    index, occupant = found
    after = with_seats(state, {index: seated(state.seats[index], None)})
    return Change(after, ended=(end(occupant, index, command.cause),))


def link(state: State, command: SystemLink, context: Context) -> Change:
    """Show how well an occupant is reached; a stay that is over changes nothing."""
    found = _find(state, command.participation_id)
    if found is None:
        return Change(state)
    index, occupant = found
    linked = msgspec.structs.replace(occupant, link=command.link)
    return Change(with_seats(state, {index: seated(state.seats[index], linked)}))


def expire(state: State, command: SystemExpire, context: Context) -> Change:
    """End what has run out; the requests among it are out of the context by now.

    Bans and cooldowns that ran out hold nobody back: they go when their list changes anyway.
    """
    change = Change(state)
    session = state.session
    if session is not None and session.empty_since_ms is not None:
        idle_ms = context.now_ms - session.empty_since_ms
        change = close(state, "session_ended") if idle_ms >= IDLE_SESSION_MS else change
    return msgspec.structs.replace(change, requests=context.requests)


def _find(state: State, participation_id: str) -> tuple[int, Participation] | None:
    for index, seat in enumerate(state.seats):
        occupant = seat.occupant
        if occupant is not None and occupant.participation_id == participation_id:
            return index, occupant
    return None


RULES: Final[dict[type[Command], Rule]] = {
    SystemReap: reap,
    SystemLink: link,
    SystemExpire: expire,
}
