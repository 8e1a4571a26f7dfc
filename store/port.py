"""The port that every store implements; one contract suite holds them all to it.

A store keeps rooms and the acks of their commands. It does not know the rules: it is given the new
state and commits it by compare-and-set on the room's position.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from room.documents import State
from room.errors import CannotStart, SeatsyncError
from room.position import Position
from room.snapshot import Stored

KEEP_ACKS_MS: Final = 10 * 60 * 1000
"""How long the ack of a command is found again, at least."""

Clock = Callable[[], int]
"""Wall clock in ms since 1970."""


class CommandKey(msgspec.Struct, frozen=True):
    """What makes a command one: the same key is applied at most once."""

    actor_id: str
    cmd_id: str


class Receipt(msgspec.Struct, frozen=True):
    """What is kept of an accepted command, so that a resend gets the first ack again."""

    fingerprint: bytes
    changed: bool
    result: dict[str, Any]
    position: Position | None = None
    """Of ``state`` after the command; the store fills it in."""


class Write(msgspec.Struct, frozen=True):
    """One command's effect, committed whole or not at all."""

    ts_ms: int
    key: CommandKey
    receipt: Receipt
    state: State | None
    """None for a no-op: only the ack is kept and the version stays."""


class Committed(msgspec.Struct, frozen=True):
    """What the store holds after a commit."""

    stored: Stored
    receipt: Receipt


class BaseMoved(SeatsyncError):
    """The room is no longer at the position that a write was computed from."""

    code = "CONFLICT_RETRY"


class AlreadyKept(Exception):
    """A command of this key was accepted before."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__("a command of this key was accepted before")
        self.receipt = receipt


class StoreUnusable(CannotStart):
    """The store can't be opened; the message says what to do about it."""


class Store(Protocol):
    """Rooms that outlive the process, as far as this store promises."""

    async def read(self, room: str) -> Stored | None:
        """Give a room, or None.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def recall(self, room: str, key: CommandKey) -> Receipt | None:
        """Find the ack of a command accepted in the last ``KEEP_ACKS_MS``.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        """Commit version 1 of a room, unless it is there.

        Returns:
            the room as it is held, and whether this call created it.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def commit(self, room: str, base: Position, write: Write) -> Committed:
        """Commit a command that was computed from ``base``; durable when this returns.

        If cancelled, the write may have been committed; a resend of its key finds out.

        Raises:
            BaseMoved: the room is elsewhere by now; read and compute again.
            AlreadyKept: the key was accepted before; nothing was written.
            RoomNotFound: there is no such room.
            Unavailable: the store does not answer; nothing was acknowledged.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted and let go of files and connections."""
        ...
