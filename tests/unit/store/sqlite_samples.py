"""What the tests of the SQLite store share: a clock, writes, and a disk that fails on demand."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from room.documents import State
from store.port import CommandKey, Receipt, Write
from store.sqlite import SqliteStore, database
from store.sqlite.writer import Writer

T = TypeVar("T")

START_MS = 1_732_146_400_123
STATE = State("alice")
HANG_S = 5
"""Long enough for any machine; only a future that is never settled takes so long."""


class Clock:
    """Wall clock that the test turns."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


def write(name: str, owner_id: str | None = "alice") -> Write:
    """A command called ``name``; without an owner a no-op."""
    state = None if owner_id is None else State(owner_id)
    receipt = Receipt(name.encode("utf-8", "backslashreplace"), state is not None, {"name": name})
    return Write(START_MS, CommandKey("alice", name), receipt, state)


async def settled(awaitable: Awaitable[T]) -> T:
    """Await what must not hang."""
    async with asyncio.timeout(HANG_S):
        return await awaitable


class Disk:
    """A connection whose statements are noted, and fail or wait where the test says so."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.statements: list[str] = []
        self.failing: set[str] = set()
        self.before: Callable[[str], None] = lambda verb: None

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        verb = sql.split()[0]
        self.statements.append(verb)
        self.before(verb)
        if verb in self.failing:
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(sql, *parameters)

    def count(self, verb: str) -> int:
        return self.statements.count(verb)

    def close(self) -> None:
        self._connection.close()


def open_on_disk(path: Path, clock: Clock) -> tuple[SqliteStore, Disk]:
    """Open a store whose writing connection is a ``Disk``."""
    lock = database.Lock(path)
    connection = database.connect(path)
    epoch = database.prepare(connection, path, clock())
    disk = Disk(connection)
    writer = Writer(cast("sqlite3.Connection", disk))
    return SqliteStore(lock, database.connect(path), writer, epoch, clock), disk


class Gate:
    """Holds the writer's thread inside a job until the test opens it."""

    def __init__(self) -> None:
        self._entered = threading.Event()
        self._open = threading.Event()

    def pass_through(self, _: object = None) -> None:
        """What the thread runs."""
        self._entered.set()
        if not self._open.wait(HANG_S):
            raise TimeoutError("nobody opened the gate")

    async def reached(self) -> None:
        """Return once the thread waits."""
        assert await asyncio.to_thread(self._entered.wait, HANG_S)

    def open(self) -> None:
        """Let the thread go on."""
        self._open.set()
