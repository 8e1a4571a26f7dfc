"""What the tests of the SQLite store share: a clock, writes, and a disk that fails on demand."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from room.documents import State
from room.position import Position
from room.snapshot import Stored
from store.port import CommandKey, Kept, Receipt, Store, Write
from store.sqlite import SqliteStore, database, schema
from store.sqlite.acks import RecentAcks
from store.sqlite.working import WorkingSet

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


def owned(base: Stored, owner_id: str) -> Stored:
    """The room as a command leaves it that gives it another owner."""
    position = Position(base.position.epoch, base.position.version + 1)
    return msgspec.structs.replace(base, state=State(owner_id), position=position)


def key(name: str) -> CommandKey:
    return CommandKey("alice", name)


def write(stored: Stored, *names: str) -> Write:
    """What leaves a room as given, as the effect of commands of these names."""
    return Write(
        stored,
        tuple(
            Kept(
                key(name),
                Receipt(name.encode("utf-8", "backslashreplace"), True, {}, stored.position),
            )
            for name in names
        ),
    )


async def created(store: Store, room: str = "demo") -> Stored:
    stored, is_new = await settled(store.create(room, STATE, START_MS))
    assert is_new
    return stored


async def give(store: Store, base: Stored, name: str, owner_id: str = "bob") -> Stored:
    """Commit a command that gives a room another owner."""
    stored = owned(base, owner_id)
    await settled(store.commit(base.revision, write(stored, name)))
    return stored


async def no_op(store: Store, base: Stored, *names: str) -> None:
    """Commit commands that change nothing."""
    await settled(store.commit(base.revision, write(base, *names)))


async def find(store: Store, name: str, room: str = "demo") -> Receipt | None:
    consulted = await settled(store.consult(room, [key(name)]))
    return consulted.receipts.get(key(name))


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

    def executescript(self, sql: str) -> sqlite3.Cursor:
        return self._connection.executescript(sql)

    def count(self, verb: str) -> int:
        return self.statements.count(verb)

    def close(self) -> None:
        self._connection.close()


def open_on_disk(
    path: Path, clock: Clock, *, max_acks: int = 1000, max_rooms: int = 1000
) -> tuple[SqliteStore, Disk]:
    """Open a store whose writing connection is a ``Disk``; it knows of no earlier acks."""
    lock = database.Lock(path)
    database.make(path)
    connection = database.connect(path)
    epoch = schema.prepare(connection, path, clock())
    disk = Disk(connection)
    working = WorkingSet(RecentAcks(clock(), max_acks), max_rooms, max_document_bytes=1000)
    writing = cast("sqlite3.Connection", disk)
    return SqliteStore(lock, database.connect(path), writing, epoch, clock, working), disk


class Gate:
    """Holds the writer's thread at a statement until the test opens it."""

    def __init__(self, disk: Disk, verb: str = "INSERT") -> None:
        self._entered = threading.Event()
        self._open = threading.Event()
        disk.before = lambda statement: self.pass_through() if statement == verb else None

    def pass_through(self) -> None:
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


async def turns(count: int = 5) -> None:
    """Let whatever can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)
