"""A process that writes to a store until it is killed, and says what was acknowledged.

usage: python store_writer.py FILE RUN WRITERS [COUNT]

Each line that it prints is an ack: ``state CMD_ID POSITION`` or ``doc TEXT POSITION``.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from pathlib import Path

import msgspec

from room.documents import State
from room.position import Position
from store.port import BaseMoved, CommandKey, Kept, Receipt, Write
from store.sqlite import SqliteStore, database

ROOM = "demo"
DOC = "x-score"


def clock_ms() -> int:
    return time.time_ns() // 1_000_000


def say(line: str) -> None:
    """One write(2) a line: whatever was said is out when the process dies."""
    os.write(1, f"{line}\n".encode())


async def write_states(store: SqliteStore, name: str, count: int) -> None:
    """Commit commands in batches of three, losing to the other writers now and then."""
    number = 0
    while number < count:
        held = await store.read(ROOM)
        assert held is not None
        position = Position(held.position.epoch, held.position.version + 1)
        ids = [f"{name}-{number}-{part}" for part in "abc"]
        after = msgspec.structs.replace(held, state=State(f"owner-{ids[0]}"), position=position)
        acks = tuple(
            Kept(CommandKey("alice", one), Receipt(one.encode(), True, {}, position)) for one in ids
        )
        try:
            await store.commit(held.revision, Write(after, acks))
        except BaseMoved:
            continue
        for one in ids:
            say(f"state {one} {position}")
        number += 1


async def write_documents(store: SqliteStore, name: str, count: int) -> None:
    """Set a document again and again."""
    for number in range(count):
        text = f"{name}-{number}"
        data = msgspec.json.encode({"text": text})
        document, changed = await store.put_document(ROOM, DOC, data, text.encode(), clock_ms())
        assert changed
        say(f"doc {text} {document.position}")


async def main(file: str, run: str, writers: int, count: int) -> None:
    store = SqliteStore.open(Path(file), clock_ms)
    await store.create(ROOM, State("alice"), clock_ms())
    async with asyncio.TaskGroup() as tasks:
        for writer in range(writers):
            tasks.create_task(write_states(store, f"{run}-{writer}", count))
        tasks.create_task(write_documents(store, f"{run}-doc", count))
    await store.close()


def without_sync(path: Path) -> sqlite3.Connection:
    """What the store must not do; the check on it must see that."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous=OFF")
    return connection


if __name__ == "__main__":
    if os.environ.get("STORE_WITHOUT_SYNC"):
        database.connect = without_sync
    limit = int(sys.argv[4]) if len(sys.argv) > 4 else sys.maxsize
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), limit))
