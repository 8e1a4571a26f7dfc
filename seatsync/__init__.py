"""The Python client of seatsync: follow a room, send commands (``from seatsync import Room``)."""

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
