"""The port that every store implements; one contract suite holds them all to it.

A store keeps rooms, the acks of their commands, and the ``x-`` documents of services. It does not
know the rules: it is given what a room became and commits it by compare-and-set on the revision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from room.documents import State
from room.errors import CannotStart, SeatsyncError
from room.position import Position
from room.snapshot import Revision, Stored, StoredDocument

KEEP_ACKS_MS: Final = 10 * 60 * 1000
"""How long the ack of a command is found again, at least."""
MAX_DOCUMENTS: Final = 32
"""``x-`` documents of one room."""

Clock = Callable[[], int]
"""Wall clock in ms since 1970."""


class CommandKey(msgspec.Struct, frozen=True, gc=False):
    """What makes a command one: the same key is applied at most once."""

    actor_id: str
    cmd_id: str


class Receipt(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What is kept of an accepted command, so that a resend gets the first ack again."""

    fingerprint: bytes
    changed: bool
    result: dict[str, Any]
    position: Position
    """Of ``state`` after the command."""
    positions: dict[str, Position] = {}
    """Of the other documents that the command changed."""


class Kept(msgspec.Struct, frozen=True, gc=False):
    """An ack to keep, and what it is found by."""

    key: CommandKey
    receipt: Receipt


class Write(msgspec.Struct, frozen=True, gc=False):
    """The effect of one or more commands on one room, committed whole or not at all."""

    stored: Stored
    """The room after them; at the base's revision where they changed nothing."""
    acks: tuple[Kept, ...] = ()
    """One for each command of a caller, no-ops too; distinct keys."""


class Consulted(msgspec.Struct, frozen=True, gc=False):
    """A room and what became of some commands, as of one moment."""

    stored: Stored | None
    receipts: dict[CommandKey, Receipt]
    """Of those that were accepted."""


class Precondition(msgspec.Struct, frozen=True, gc=False):
    """What must hold of an ``x-`` document before it is replaced (RFC 9110 13.1.1)."""

    any_of: tuple[Position, ...] = ()
    """Positions, one of which it must stand at; none: it must exist."""


class BaseMoved(SeatsyncError):
    """The room is no longer at the revision that a write was computed from."""

    code = "CONFLICT_RETRY"


class AlreadyKept(Exception):
    """Commands of these keys were accepted before; nothing was written."""

    def __init__(self, receipts: Mapping[CommandKey, Receipt]) -> None:
        super().__init__("a command of this key was accepted before")
        self.receipts = receipts


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

    async def consult(self, room: str, keys: Sequence[CommandKey]) -> Consulted:
        """Give a room, and the acks of these commands if they were accepted lately.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        """Commit version 1 of a room's documents, unless it is there.

        Returns:
            the room as it is held, and whether this call created it.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def commit(self, base: Revision, write: Write) -> None:
        """Commit what was computed from ``base``; durable when this returns.

        If cancelled, the write may have been committed; a resend of its keys finds out.

        Raises:
            AlreadyKept: a key was accepted before; nothing was written. Comes before BaseMoved.
            BaseMoved: the room is elsewhere by now; read and compute again.
            RoomNotFound: there is no such room.
            Unavailable: the store does not answer; nothing was acknowledged.
        """
        ...

    async def read_document(self, room: str, doc: str) -> StoredDocument | None:
        """Give an ``x-`` document, or None where the room or the document is not there.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def put_document(
        self,
        room: str,
        doc: str,
        data: bytes,
        fingerprint: bytes,
        ts_ms: int,
        precondition: Precondition | None = None,
    ) -> tuple[StoredDocument, bool]:
        """Set an ``x-`` document; version 1 at first, then one more with each change.

        Equal JSON values have equal fingerprints, and setting one again changes nothing. The
        precondition is judged before that.

        Returns:
            the document as it is held, and whether this call changed it.

        Raises:
            RoomNotFound: there is no such room.
            SeatsyncError: ``VERSION_MISMATCH``: the precondition does not hold; ``TOO_LARGE``:
                the room has ``MAX_DOCUMENTS`` already.
            Unavailable: the store does not answer; nothing was acknowledged.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted and let go of files and connections."""
        ...
