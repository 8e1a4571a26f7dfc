"""Commands committed a second by 64 writers, beside the same rows in groups of the same size.

As the gateway's committers do it: a room has one commit under way, which carries what its writers
ask for meanwhile. With one room each commit carries 64 acks; with 64 rooms or more, one.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import uvloop

from bench.committing import execute
from bench.measure import Row, in_turns, per_second, row
from gateway.server import clock_ms
from room.documents import Participation, Person, Seat, Session, State
from room.position import Position
from room.snapshot import Revision, Stored
from store.port import CommandKey, Kept, Receipt, Write
from store.sqlite import SqliteStore, batch, database, schema
from store.sqlite import rows as sqlite_rows

WRITERS = 64
ROOM_COUNTS = (1, 16, 256)
ROUNDS = 150
"""Commands of each writer."""


def rows() -> Iterable[Row]:
    """Measure."""
    yield _alone()
    for run in (_Commits, _Commands):
        for rooms in ROOM_COUNTS:
            yield _compare(run, rooms)


def _alone() -> Row:
    """Compare one writer, whom every commit keeps waiting for the disk, with the disk alone."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        numbers = itertools.count()
        raw = in_turns(
            lambda: uvloop.run(_commit_alone(Path(folder) / f"alone{next(numbers)}.db")),
            lambda: _sync(Path(folder) / f"bare{next(numbers)}"),
        )
    what, beside = "acks through SQLite, one writer in one room", "bare fdatasync of one page each"
    return row(what, beside, raw, per_second)


async def _commit_alone(path: Path) -> float:
    """Give commits a second of one writer."""
    store = SqliteStore.open(path, clock_ms)
    created, _ = await store.create("room0", full_state(), 0)
    asked = _writes([created], 1)
    before = time.perf_counter()
    await _commit_all(store, asked)
    rate = len(asked) / (time.perf_counter() - before)
    await store.close()
    return rate


def _sync(path: Path) -> float:
    """Give synced writes a second, appended page by page as to a log."""
    page = bytes(4096)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    before = time.perf_counter()
    for _ in range(ROUNDS):
        os.write(descriptor, page)
        os.fdatasync(descriptor)
    rate = ROUNDS / (time.perf_counter() - before)
    os.close(descriptor)
    return rate


def _compare(kind: type[_Commits], rooms: int) -> Row:
    extra: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=".") as folder:  # the disk of the tree: /tmp may be memory
        numbers = itertools.count()

        def ours() -> float:
            run = kind(Path(folder) / f"ours{next(numbers)}.db", rooms)
            rate = uvloop.run(run.measure())
            for name, value in run.figures().items():
                extra.setdefault(name, []).append(value)
            return rate

        def theirs() -> float:
            return _insert(Path(folder) / f"theirs{next(numbers)}.db", rooms)

        raw = in_turns(ours, theirs) | extra
    median = {name: statistics.median(values) for name, values in raw.items()}
    acks = "/".join(f"{median[name]:.1f}" for name in ("p50_ms", "p99_ms", "p999_ms"))
    return Row(
        f"{kind.what}, {WRITERS} writers in {rooms} rooms",
        f"{per_second(median['ours'])}, ack P50/P99/P999 {acks} ms, {median['syncs']:,.0f} syncs/s",
        "bare inserts of the same rows, encoded before, in groups of the same size",
        per_second(median["theirs"]),
        median["ours"] / median["theirs"],
        raw,
    )


class _Commits:
    """One run through ``store.commit``."""

    what = "acks through SQLite"

    def __init__(self, path: Path, rooms: int) -> None:
        self._path = path
        self._rooms = rooms
        self._ack_s: list[float] = []
        self._groups = 0
        self._took_s = 0.0

    async def measure(self) -> float:
        """Give commands a second."""
        store = SqliteStore.open(self._path, clock_ms)
        write_group = batch.write

        def counted(*arguments: Any) -> None:
            self._groups += 1
            write_group(*arguments)

        with mock.patch.object(batch, "write", counted):
            self._took_s, self._ack_s = await self._run(store)
        await store.close()
        return len(self._ack_s) / self._took_s

    async def _run(self, store: SqliteStore) -> tuple[float, list[float]]:
        """Give the seconds that it took, and those of each ack."""
        state = full_state()
        created = [(await store.create(f"room{n}", state, 0))[0] for n in range(self._rooms)]
        chains = min(self._rooms, WRITERS)
        asked = [_writes(created[n::chains], WRITERS // chains) for n in range(chains)]
        self._groups = 0
        before = time.perf_counter()
        took = await asyncio.gather(*(_commit_all(store, one) for one in asked))
        return time.perf_counter() - before, list(itertools.chain.from_iterable(took))

    def figures(self) -> dict[str, float]:
        """Give what is worth knowing beside the rate."""
        ordered = sorted(self._ack_s)
        quantiles = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}
        found = {name: ordered[int(len(ordered) * q)] * 1000 for name, q in quantiles.items()}
        return found | {"syncs": self._groups / self._took_s}


def _writes(rooms: list[Stored], acks: int) -> list[tuple[Revision, Write]]:
    """Compute commits to some rooms in turn, each with so many acks."""
    asked = []
    for number in range(ROUNDS):
        stored = rooms[number % len(rooms)]
        after = msgspec.structs.replace(
            stored, position=Position(stored.position.epoch, stored.position.version + acks)
        )
        kept = tuple(
            Kept(
                CommandKey(f"user{n}", f"{stored.room}-{number}-{n}"),
                Receipt(b"f" * 32, True, {}, after.position),
            )
            for n in range(acks)
        )
        asked.append((stored.revision, Write(after, kept)))
        rooms[number % len(rooms)] = after
    return asked


async def _commit_all(store: SqliteStore, asked: list[tuple[Revision, Write]]) -> list[float]:
    """Commit one after the other; gives the seconds of each ack."""
    took: list[float] = []
    for base, write in asked:
        before = time.perf_counter()
        await store.commit(base, write)
        took += [time.perf_counter() - before] * len(write.acks)
    return took


class _Commands(_Commits):
    """One run through the gateway's committer."""

    what = "commands through the committer and SQLite"

    async def _run(self, store: SqliteStore) -> tuple[float, list[float]]:
        return await execute(store, full_state(), self._rooms, WRITERS, ROUNDS)


def full_state() -> State:
    """Build a live room of nine seats, all taken."""
    stays = (
        Participation(f"p{n:022d}", Person(f"u{n}", f"Nickname u{n}", f"face/u{n}"), 1)
        for n in range(9)
    )
    seats = tuple(Seat(occupant=stay) for stay in stays)
    return State("u0", session=Session("s", "voice", 1), seats=seats)


def _insert(path: Path, rooms: int) -> float:
    """Give commands a second of bare SQLite: encoded before, one transaction a group."""
    database.make(path)
    connection = database.connect(path)
    schema.prepare(connection, path, 1)
    groups = [_group(number, rooms) for number in range(ROUNDS)]
    before = time.perf_counter()
    for room_rows, ack_rows in groups:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR REPLACE INTO rooms VALUES (?,?,?,?,?,?,?,?)", room_rows)
        connection.executemany("INSERT INTO acks VALUES (?,?,?,?,?)", ack_rows)
        connection.execute("COMMIT")
    rate = WRITERS * ROUNDS / (time.perf_counter() - before)
    connection.close()
    return rate


def _group(number: int, rooms: int) -> tuple[Sequence[batch.Row], Sequence[batch.Row]]:
    """Encode the rows of 64 commands."""
    chains = min(rooms, WRITERS)
    stored = Stored("", full_state(), Position(1_732_146_400_123, number), 1)
    receipt = Receipt(b"f" * 32, True, {}, stored.position)
    room_rows, ack_rows = [], []
    for chain in range(chains):
        room = f"room{(number * chains + chain) % rooms}"
        room_rows.append(sqlite_rows.room_row(msgspec.structs.replace(stored, room=room))[1:])
        for n in range(WRITERS // chains):
            key = (room, f"user{n}", f"{room}-{number}-{n}")
            ack_rows.append(sqlite_rows.ack_row(key, receipt, number)[1:6])
    return room_rows, ack_rows
