"""The Python client of seatsync: follow a room, send commands (``from seatsync import Room``)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from room.position import Position
    from room.reconcile import CHANNELS, Channel, Verdict
    from room.snapshot import Snapshot, StateSnapshot
    from seatsync.errors import CommandRefused, CommandUnanswered, RoomEnded, SourceEnded
    from seatsync.follower import Update
    from seatsync.room import Room

__all__ = [
    "Room",
    "Update",
    "Snapshot",
    "StateSnapshot",
    "Position",
    "Channel",
    "CHANNELS",
    "Verdict",
    "CommandRefused",
    "CommandUnanswered",
    "RoomEnded",
    "SourceEnded",
]

_HOMES: Final = {
    "Room": "seatsync.room",
    "Update": "seatsync.follower",
    "Snapshot": "room.snapshot",
    "StateSnapshot": "room.snapshot",
    "Position": "room.position",
    "Channel": "room.reconcile",
    "CHANNELS": "room.reconcile",
    "Verdict": "room.reconcile",
    "CommandRefused": "seatsync.errors",
    "CommandUnanswered": "seatsync.errors",
    "RoomEnded": "seatsync.errors",
    "SourceEnded": "seatsync.errors",
}


def __getattr__(name: str) -> Any:
    """Import at the first use: the command line answers ``--help`` without an HTTP library."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
