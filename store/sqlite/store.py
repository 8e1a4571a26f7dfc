"""The store on SQLite: decided in memory, acknowledged after the disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from room.documents import State
from room.errors import RoomNotFound, Unavailable
from room.position import Position
from room.snapshot import Revision, Stored, StoredDocument
from store.documents import next_document
from store.leases import Seated
from store.port import (
    KEEP_ACKS_MS,
    Clock,
    CommandKey,
    Consulted,
    Precondition,
    StoreUnusable,
    Write,
)
from store.sqlite import acks, database, rows, schema
from store.sqlite.acks import RecentAcks
from store.sqlite.batch import Row
from store.sqlite.reader import Reader
from store.sqlite.rows import AckKey
from store.sqlite.working import Held, WorkingSet
from store.sqlite.writer import Writer


class SqliteStore:
    """Rooms in one file; a commit returns after fsync, so ``kill -9`` loses nothing acknowledged.

    One process a file, one event loop a store. Every start is a new epoch. What is in memory is
    served whatever became of the disk.
    """

    def __init__(
        self,
        lock: database.Lock,
        reading: sqlite3.Connection,
        writing: sqlite3.Connection,
        epoch: int,
        clock: Clock,
        working: WorkingSet,
    ) -> None:
        self._lock = lock
        self._reader = Reader(reading)
        self._writer = Writer(writing, lambda: rows.forget_row(clock()), working.drop_pending)
        self._epoch = epoch
        self._clock = clock
        self._working = working
        self._closed = False

    @classmethod
    def open(cls, path: Path, clock: Clock) -> SqliteStore:
        """Open or make the file; reads all of it once, to know that it is sound.

        Raises:
            StoreUnusable: no access, no database, damaged, in use, or written by a newer release.
        """
        try:
            path = path.resolve()  # one lock for a file, whatever name it is called by
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = database.Lock(path)
        except OSError as error:
            raise StoreUnusable(f"{path}: {error.strerror}") from error
        connections: list[sqlite3.Connection] = []
        try:
            database.make(path)
            for _ in range(2):
                connections.append(database.connect(path))
            reading, writing = connections
            epoch = schema.prepare(writing, path, clock())
            working = WorkingSet(_recent_acks(reading, clock()))
            return cls(lock, reading, writing, epoch, clock, working)
        except (OSError, sqlite3.Error, StoreUnusable) as error:
            for connection in connections:
                connection.close()
            lock.release()
            if isinstance(error, StoreUnusable):
                raise
            raise StoreUnusable(f"{path}: {error}") from error

    def taken(self) -> list[Seated]:
        """List everybody on a seat in any room; O(rooms), to be asked once after opening.

        Raises:
            StoreUnusable: the file can't be read.
        """
        try:
            return list(rows.read_taken(self._reader.connection))
        except sqlite3.Error as error:
            raise StoreUnusable(f"the store can't be read: {error}") from error

    async def read(self, room: str) -> Stored | None:
        """Give a room, or None."""
        held = await self._find(room)
        return None if held is None else held.durable

    async def consult(self, room: str, keys: Sequence[CommandKey]) -> Consulted:
        """Give a room, and the acks of these commands if they were accepted lately."""
        named = {rows.ack_key(room, key): key for key in keys}
        while await self._find(room) is not None:
            known = self._knows(named, self._clock())
            on_disk = {} if known else await self._look_up(named)
            held = self._working.find(room)
            if held is not None:
                found = self._working.receipts(named, on_disk)
                decoded = {named[name]: rows.decode_receipt(one) for name, one in found.items()}
                return Consulted(held.durable, decoded)
        return Consulted(None, {})

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        """Commit version 1 of a room's documents, unless it is there.

        If cancelled, the room may have been created.
        """
        while (held := await self._find(room)) is not None:
            if held.durable is not None:
                return held.durable, False
            await self._writer.next_settled()  # somebody else is creating it
        stored = Stored(room, state, Position(self._epoch, 1), ts_ms, requests_ts_ms=ts_ms)
        row = rows.room_row(stored)
        held = self._working.add(room, None)
        self._working.begin(held, stored, ())
        finish = partial(self._working.finish, held, stored, {}, 0)
        await self._writer.submit((row,), finish)
        return stored, True

    async def commit(self, base: Revision, write: Write) -> None:
        """Commit what was computed from ``base``; on disk when this returns.

        If cancelled, the write may have been committed; a resend of its keys finds out.
        """
        room = write.stored.room
        keys = [(room, ack.key.actor_id, ack.key.cmd_id) for ack in write.acks]
        on_disk: Mapping[AckKey, bytes] = {}
        while True:
            self._check_open()
            now_ms = self._clock()
            if not self._knows(keys, now_ms):
                on_disk = await self._look_up(keys)
            held = self._working.find(room)  # from here to the queue nobody comes between
            if held is None:
                if await self._find(room) is None:
                    raise RoomNotFound(room)
            elif self._working.admits(held, base, keys, on_disk):
                break
            else:
                await self._writer.next_settled()
        submitted = self._submit(held, base, write, keys, now_ms)
        if submitted is not None:
            await submitted

    async def read_document(self, room: str, doc: str) -> StoredDocument | None:
        """Give an ``x-`` document, or None where the room or the document is not there."""
        while (held := await self._find(room)) is not None and doc in held.docs:
            document = self._working.find_document(room, doc)
            if document is not None:
                return document
            await self._load_document(room, doc)
        return None

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

        Documents of one room are set one after the other. If cancelled, the document may have been
        set.
        """
        while True:
            held = await self._find(room)
            if held is None:
                raise RoomNotFound(room)
            before = self._working.find_document(room, doc)
            if held.durable is None or held.is_setting_document:
                await self._writer.next_settled()
            elif before is None and doc in held.docs:
                await self._load_document(room, doc)
            else:
                break
        wanted = StoredDocument(room, doc, held.durable.position, ts_ms, data, fingerprint)
        after = next_document(held.durable, before, len(held.docs), wanted, precondition)
        if after is before:
            return after, False
        row = rows.document_row(after)
        self._working.begin_document(held)
        await self._writer.submit((row,), partial(self._working.finish_document, held, after))
        return after, True

    async def close(self) -> None:
        """Finish what was accepted, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await self._reader.close()
        self._lock.release()

    def _submit(
        self, held: Held, base: Revision, write: Write, keys: Sequence[AckKey], now_ms: int
    ) -> asyncio.Future[None] | None:
        """Hand an admitted write to the disk; None: there is nothing to write, or to wait for."""
        changed = not write.stored.stands_at(base)
        group: list[Row] = [rows.room_row(write.stored)] if changed else []
        receipts: dict[AckKey, bytes] = {}
        for key, ack in zip(keys, write.acks, strict=True):
            row = rows.ack_row(key, ack.receipt, now_ms)
            receipts[key] = row[5]
            group.append(row)
        after = write.stored if changed else held.head
        if after is None:
            raise AssertionError("a room without a head admits nothing")
        if not group and not held.pending:
            return None
        self._working.begin(held, after, keys)
        finish = partial(self._working.finish, held, after, receipts, now_ms)
        return self._writer.submit(group, finish)

    async def _find(self, room: str) -> Held | None:
        """Give a room from memory, or read it; None: there is none."""
        self._check_open()
        held = self._working.find(room)
        while held is None:
            found = await self._reader.read_once(
                room,
                lambda connection: rows.read_room(connection, self._epoch, room),
                partial(self._take_room, room),
            )
            self._check_open()
            held = self._working.find(room)  # somebody may be creating it by now
            if found is None:
                break
        return held

    def _take_room(self, room: str, found: rows.Found | None) -> None:
        if found is not None and self._working.find(room) is None:  # else it was created since
            self._working.add(room, found)

    async def _load_document(self, room: str, doc: str) -> None:
        """Read a document of which nothing is pending; else wait, since it would be outdated."""
        held = self._working.find(room)
        if held is not None and held.is_setting_document:
            await self._writer.next_settled()
            return
        await self._reader.read_once(
            (room, doc),
            lambda connection: rows.read_document(connection, self._epoch, room, doc),
            self._take_document,
        )

    def _take_document(self, document: StoredDocument | None) -> None:
        if document is not None:
            self._working.add_document(document)

    def _knows(self, keys: Collection[AckKey], now_ms: int) -> bool:
        """Tell whether memory can say of each of these if it was accepted."""
        recent = self._working.acks
        return recent.is_complete(now_ms) or all(map(recent.find, keys))

    async def _look_up(self, keys: Collection[AckKey]) -> Mapping[AckKey, bytes]:
        """Ask the disk for acks."""
        recent = self._working.acks
        while True:
            before = recent.added
            found = await self._reader.read(lambda connection: rows.read_acks(connection, keys))
            self._check_open()
            if recent.added - before < recent.capacity:
                return found  # what was accepted meanwhile is in memory

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")


def _recent_acks(connection: sqlite3.Connection, now_ms: int) -> RecentAcks:
    recent = RecentAcks(now_ms)
    recent.load(rows.newest_acks(connection, now_ms - KEEP_ACKS_MS, acks.CAPACITY + 1))
    return recent
