"""The store on SQLite: reads on one thread, grouped writes on another."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from room.documents import State
from room.errors import Unavailable, Unreadable
from room.position import Position
from room.snapshot import Stored
from store.port import (
    Clock,
    CommandKey,
    Committed,
    Receipt,
    StoreUnusable,
    Write,
)
from store.sqlite import database, rows
from store.sqlite.writer import Writer

T = TypeVar("T")

FORGET_EVERY_MS: Final = 60_000


class SqliteStore:
    """Rooms in one file; a commit returns after fsync, so ``kill -9`` loses nothing acknowledged.

    One process a file. Every start is a new epoch.
    """

    def __init__(
        self,
        lock: database.Lock,
        reader: sqlite3.Connection,
        writer: Writer,
        epoch: int,
        clock: Clock,
    ) -> None:
        self._lock = lock
        self._reader = reader
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._writer = writer
        self._epoch = epoch
        self._clock = clock
        self._forget_at_ms = clock()
        self._closed = False

    @classmethod
    def open(cls, path: Path, clock: Clock) -> SqliteStore:
        """Open or make the file.

        Raises:
            StoreUnusable: no access, no database, in use, or written by a newer release.
        """
        try:
            path = path.resolve()  # one lock for a file, whatever name it is called by
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = database.Lock(path)
        except OSError as error:
            raise StoreUnusable(f"{path}: {error.strerror}") from error
        try:
            connection = database.connect(path)
            epoch = database.prepare(connection, path, clock())
            reader = database.connect(path)
        except sqlite3.Error as error:
            lock.release()
            raise StoreUnusable(f"{path}: {error}") from error
        except StoreUnusable:
            lock.release()
            raise
        return cls(lock, reader, Writer(connection), epoch, clock)

    async def read(self, room: str) -> Stored | None:
        """Give a room, or None."""
        return await self._read(lambda connection: rows.read_room(connection, self._epoch, room))

    async def recall(self, room: str, key: CommandKey) -> Receipt | None:
        """Find the ack of an accepted command."""
        return await self._read(lambda connection: rows.read_receipt(connection, room, key))

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        """Commit version 1 of a room, unless it is there."""
        return await self._writer.submit(
            lambda connection: rows.create_room(connection, self._epoch, room, state, ts_ms)
        )

    async def commit(self, room: str, base: Position, write: Write) -> Committed:
        """Commit a command that was computed from ``base``; on disk when this returns."""
        now_ms = self._clock()

        def job(connection: sqlite3.Connection) -> Committed:
            committed = rows.commit_write(connection, self._epoch, room, base, write, now_ms)
            self._forget(connection, now_ms)
            return committed

        return await self._writer.submit(job)

    async def close(self) -> None:
        """Finish what was accepted, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        self._threads.shutdown(wait=True)
        self._reader.close()
        self._lock.release()

    def _forget(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """Drop old acks once a minute, in the writer's thread."""
        if now_ms >= self._forget_at_ms:
            rows.forget_old_receipts(connection, now_ms)
            self._forget_at_ms = now_ms + FORGET_EVERY_MS

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise Unavailable("the store is closed")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, query, self._reader)
        except msgspec.MsgspecError as error:
            raise Unreadable("what the store holds can't be read") from error
        except sqlite3.Error as error:
            raise Unavailable("the store can't be read now") from error
