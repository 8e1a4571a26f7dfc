"""Commits a second with many writers, beside the same rows inserted by bare SQLite."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bench.core import full_room
from bench.measure import Row, in_turns, per_second, row
from gateway.server import clock_ms
from store.port import CommandKey, Receipt, Write
from store.sqlite import SqliteStore
from store.sqlite.database import connect

ROOMS = 64
COMMITS = 3_000


def rows() -> Iterable[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range(1000))

        def ours() -> float:
            return asyncio.run(_commit(Path(folder) / f"ours{next(numbers)}.db"))

        def theirs() -> float:
            return _insert(Path(folder) / f"theirs{next(numbers)}.db")

        raw = in_turns(ours, theirs)
    what = f"SQLite commits, {ROOMS} writers in as many rooms"
    yield row(what, f"bare inserts, {ROOMS} a transaction", raw, per_second)


async def _commit(path: Path) -> float:
    store = SqliteStore.open(path, clock_ms)
    state = full_room().state

    async def write(number: int) -> None:
        stored, _ = await store.create(f"room{number}", state, 0)
        position = stored.position
        for count in range(COMMITS // ROOMS):
            key = CommandKey("user", f"{number}-{count}")
            change = Write(count, key, Receipt(b"fingerprint", True, {}), state)
            position = (await store.commit(stored.room, position, change)).stored.position

    before = time.perf_counter()
    await asyncio.gather(*(write(number) for number in range(ROOMS)))
    rate = COMMITS // ROOMS * ROOMS / (time.perf_counter() - before)
    await store.close()
    return rate


def _insert(path: Path) -> float:
    connection = connect(path)
    connection.execute("CREATE TABLE bare (key INTEGER PRIMARY KEY, state BLOB, receipt BLOB)")
    body = msgspec.json.encode(full_room().state)
    before = time.perf_counter()
    for group in range(COMMITS // ROOMS):
        connection.execute("BEGIN IMMEDIATE")
        for number in range(ROOMS):
            row_values = (group * ROOMS + number, body, b"receipt")
            connection.execute("INSERT INTO bare VALUES (?, ?, ?)", row_values)
        connection.execute("COMMIT")
    rate = COMMITS // ROOMS * ROOMS / (time.perf_counter() - before)
    connection.close()
    return rate
