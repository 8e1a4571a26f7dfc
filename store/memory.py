"""The memory twin: the port's promises without durability, for tests and trials."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from room.documents import State
from room.errors import RoomNotFound, Unavailable
from room.position import Position
from room.snapshot import Revision, Stored, StoredDocument
from store.documents import next_document
from store.port import (
    KEEP_ACKS_MS,
    AlreadyKept,
    BaseMoved,
    Clock,
    CommandKey,
    Consulted,
    Precondition,
    Receipt,
    Write,
)


class MemoryStore:
    """Rooms in this process; a restart is a new epoch with no rooms.

    No method awaits between reading and writing, so each is atomic on its loop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoch = clock()
        self._rooms: dict[str, Stored] = {}
        self._documents: dict[str, dict[str, StoredDocument]] = {}
        self._receipts: OrderedDict[tuple[str, CommandKey], tuple[int, Receipt]] = OrderedDict()
        self._closed = False

    async def read(self, room: str) -> Stored | None:
        """Give a room, or None."""
        self._check_open()
        return self._rooms.get(room)

    async def consult(self, room: str, keys: Sequence[CommandKey]) -> Consulted:
        """Give a room, and the acks of these commands if they were accepted lately."""
        self._check_open()
        return Consulted(self._rooms.get(room), self._find(room, keys))

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        """Commit version 1 of a room's documents, unless it is there."""
        self._check_open()
        held = self._rooms.get(room)
        if held is not None:
            return held, False
        stored = Stored(room, state, Position(self._epoch, 1), ts_ms, requests_ts_ms=ts_ms)
        self._rooms[room] = stored
        return stored, True

    async def commit(self, base: Revision, write: Write) -> None:
        """Commit what was computed from ``base``."""
        self._check_open()
        room = write.stored.room
        kept = self._find(room, [ack.key for ack in write.acks])
        if kept:
            raise AlreadyKept(kept)
        held = self._rooms.get(room)
        if held is None:
            raise RoomNotFound(room)
        if not held.stands_at(base):
            raise BaseMoved("the room has changed meanwhile", position=held.position)
        if not write.stored.stands_at(base):
            self._rooms[room] = write.stored
        now_ms = self._clock()
        for ack in write.acks:
            self._receipts[room, ack.key] = (now_ms, ack.receipt)

    async def read_document(self, room: str, doc: str) -> StoredDocument | None:
        """Give an ``x-`` document, or None where the room or the document is not there."""
        self._check_open()
        return self._documents.get(room, {}).get(doc)

    async def put_document(
        self,
        room: str,
        doc: str,
        data: bytes,
        fingerprint: bytes,
        ts_ms: int,
        precondition: Precondition | None = None,
    ) -> tuple[StoredDocument, bool]:
        """Set an ``x-`` document; version 1 at first, then one more with each change."""
        self._check_open()
        stored = self._rooms.get(room)
        if stored is None:
            raise RoomNotFound(room)
        documents = self._documents.setdefault(room, {})
        held = documents.get(doc)
        wanted = StoredDocument(room, doc, stored.position, ts_ms, data, fingerprint)
        after = next_document(stored, held, len(documents), wanted, precondition)
        documents[doc] = after
        return after, after is not held

    async def close(self) -> None:
        """Answer nobody any more."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")

    def _find(self, room: str, keys: Sequence[CommandKey]) -> dict[CommandKey, Receipt]:
        self._forget_old()
        found = {key: self._receipts.get((room, key)) for key in keys}
        return {key: kept[1] for key, kept in found.items() if kept is not None}

    def _forget_old(self) -> None:
        """Drop acks past their time; they stand in the order in which they came."""
        limit = self._clock() - KEEP_ACKS_MS
        while self._receipts:
            oldest = next(iter(self._receipts))
            if self._receipts[oldest][0] >= limit:
                return
            del self._receipts[oldest]
