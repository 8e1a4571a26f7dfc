"""How many seats there are, and how they are given."""

from __future__ import annotations

from typing import Final

import msgspec

from room.commands import Command, SeatCountSet, SeatModeSet
from room.documents import Seat, State
from room.errors import Refused
from room.rules.edits import end_all
from room.rules.terms import Change, Context, Rule


def set_mode(state: State, command: SeatModeSet, context: Context) -> Change:
    """Say how seats are given from now on; requests that wait go on waiting."""
    return Change(msgspec.structs.replace(state, seat_mode=command.mode))


def set_count(state: State, command: SeatCountSet, context: Context) -> Change:
    """Add empty seats at the end, or take the last ones away, for this session."""
    kept, removed = state.seats[: command.count], state.seats[command.count :]
    ended = end_all(removed, command.count, "seat_removed")
    if ended and not command.evict:
        raise Refused("somebody sits on a seat that would go", code="SEAT_OCCUPIED")
    seats = (*kept, *(Seat(),) * (command.count - len(kept)))
    return Change(msgspec.structs.replace(state, seats=seats), ended=ended)


RULES: Final[dict[type[Command], Rule]] = {SeatModeSet: set_mode, SeatCountSet: set_count}
