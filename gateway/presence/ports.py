"""What the parts of presence need of the rest of a node."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from poller import Found
from room.commands import SystemExpire, SystemLink, SystemReap
from room.snapshot import Edition

Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds."""
SystemCommand = SystemReap | SystemLink | SystemExpire
"""What presence asks of a room on its own."""


class Rooms(Protocol):
    """Rooms as presence uses them."""

    async def find(self, room: str) -> Found[Edition]:
        """Give the newest edition of a room, loading it where it is cold.

        Raises:
            RoomNotFound: there is none.
            Unavailable: the store is away and the room is not in memory.
        """
        ...

    async def apply(self, room: str, command: SystemCommand) -> bool:
        """Carry out a command of the server itself.

        Returns:
            whether it changed anything.

        Raises:
            RoomNotFound: there is no such room.
            SeatsyncError: ``CONFLICT_RETRY``.
            Unavailable: the store does not answer.
        """
        ...


class Audience(Protocol):
    """The push connections of this node as presence uses them."""

    def is_present(self, room: str, user_id: str) -> bool:
        """Tell whether a user has a connection here."""
        ...

    def count(self, room: str) -> int:
        """Count the connections of a room, those without a token too."""
        ...

    def rooms(self) -> Iterable[str]:
        """Name the rooms that somebody is connected to."""
        ...

    def say(self, room: str, slot: str, message: bytes) -> None:
        """Say something to every connection of a room, replacing what waits in the slot."""
        ...
