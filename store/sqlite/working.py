"""The working set: rooms as they are on disk, and as they will be once what is pending is.

Synchronous, so that no other call comes between a judgement and what follows from it. What readers
see is only ever durable; what writers are judged by includes what is pending, so that commits may
follow one another without waiting for the disk.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Final

from room.snapshot import Revision, Stored, StoredDocument
from store.port import AlreadyKept, BaseMoved, CommandKey
from store.sqlite.acks import RecentAcks
from store.sqlite.rows import AckKey, Found, decode_receipt

MAX_ROOMS: Final = 50_000
MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024


class Held:
    """A room in memory; it stays there as long as anything of it is pending."""

    __slots__ = ("docs", "durable", "head", "is_setting_document", "pending")

    def __init__(self, durable: Stored | None, docs: frozenset[str]) -> None:
        self.durable = durable
        """None: the room is being created."""
        self.head = durable
        """What the next commit must be based on."""
        self.docs = docs
        """Names of its ``x-`` documents."""
        self.pending = 0
        self.is_setting_document = False


class WorkingSet:
    """Rooms, documents and acks in memory, the least recently used dropped first."""

    def __init__(
        self,
        acks: RecentAcks,
        max_rooms: int = MAX_ROOMS,
        max_document_bytes: int = MAX_DOCUMENT_BYTES,
    ) -> None:
        self.acks: Final = acks
        self._rooms: OrderedDict[str, Held] = OrderedDict()
        self._max_rooms = max_rooms
        self._documents: OrderedDict[tuple[str, str], StoredDocument] = OrderedDict()
        self._document_bytes = 0
        self._max_document_bytes = max_document_bytes
        self._pending_acks: set[AckKey] = set()

    def find(self, room: str) -> Held | None:
        """Give a room, if it is here."""
        held = self._rooms.get(room)
        if held is not None:
            self._rooms.move_to_end(room)
        return held

    def add(self, room: str, found: Found | None) -> Held:
        """Take a room that was read from disk, or that is about to be created."""
        held = Held(None, frozenset()) if found is None else Held(*found)
        self._rooms[room] = held
        self._drop_rooms(but=room)
        return held

    def find_document(self, room: str, doc: str) -> StoredDocument | None:
        """Give an ``x-`` document, if it is here."""
        document = self._documents.get((room, doc))
        if document is not None:
            self._documents.move_to_end((room, doc))
        return document

    def add_document(self, document: StoredDocument) -> None:
        """Take a document as it is on disk."""
        key = document.room, document.doc
        before = self._documents.pop(key, None)
        self._document_bytes += len(document.data) - (0 if before is None else len(before.data))
        self._documents[key] = document
        while self._document_bytes > self._max_document_bytes and len(self._documents) > 1:
            _, dropped = self._documents.popitem(last=False)
            self._document_bytes -= len(dropped.data)

    def receipts(
        self, keys: Iterable[AckKey], on_disk: Mapping[AckKey, bytes]
    ) -> dict[AckKey, bytes]:
        """Give the durable acks among these, encoded."""
        found: dict[AckKey, bytes] = {}
        for key in keys:
            receipt = self.acks.find(key) or on_disk.get(key)
            if receipt is not None:
                found[key] = receipt
        return found

    def admits(
        self, held: Held, base: Revision, keys: Collection[AckKey], on_disk: Mapping[AckKey, bytes]
    ) -> bool:
        """Judge a commit.

        Args:
            held: the room.
            base: what the commit was computed from.
            keys: of its commands.
            on_disk: receipts of those that are kept on disk alone.

        Returns:
            whether it may be written; False: that hangs on what is pending, ask again after it.

        Raises:
            AlreadyKept: a key was accepted before.
            BaseMoved: the room is elsewhere, durably.
        """
        if not self._pending_acks.isdisjoint(keys):
            return False
        kept = self.receipts(keys, on_disk)
        if kept:
            raise AlreadyKept(
                {CommandKey(*key[1:]): decode_receipt(receipt) for key, receipt in kept.items()}
            )
        if held.head is not None and held.head.stands_at(base):
            return True
        if held.pending or held.durable is None:
            return False
        raise BaseMoved("the room has changed meanwhile", position=held.durable.position)

    def begin(self, held: Held, after: Stored, keys: Iterable[AckKey]) -> None:
        """Note what was handed to the disk."""
        held.head = after
        held.pending += 1
        self._pending_acks.update(keys)

    def finish(
        self, held: Held, after: Stored, acks: Mapping[AckKey, bytes], kept_at_ms: int
    ) -> None:
        """Note what is on disk now."""
        held.durable = after
        held.pending -= 1
        self._pending_acks.difference_update(acks)
        for key, receipt in acks.items():
            self.acks.add(key, kept_at_ms, receipt, now_ms=kept_at_ms)
        if len(self._rooms) > self._max_rooms:
            self._drop_rooms(but=after.room)

    def begin_document(self, held: Held) -> None:
        """Note that a document of this room was handed to the disk."""
        held.is_setting_document = True
        held.pending += 1

    def finish_document(self, held: Held, after: StoredDocument) -> None:
        """Note that it is on disk now."""
        held.is_setting_document = False
        held.pending -= 1
        held.docs |= {after.doc}
        self.add_document(after)

    def drop_pending(self) -> None:
        """Go back to what is on disk: nothing that was pending is, or will be."""
        self._pending_acks.clear()
        for room, held in list(self._rooms.items()):
            if held.pending == 0:
                continue
            held.head = held.durable
            held.pending = 0
            held.is_setting_document = False
            if held.durable is None:
                del self._rooms[room]

    def _drop_rooms(self, but: str) -> None:
        """Drop the oldest of which nothing is pending; there may be too few of them for now."""
        excess = len(self._rooms) - self._max_rooms
        if excess <= 0:
            return
        idle = (room for room, held in self._rooms.items() if held.pending == 0 and room != but)
        for room in list(islice(idle, excess)):
            del self._rooms[room]
