"""What a restart keeps, and how it moves the epoch."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlite_samples import START_MS, STATE, Clock, settled, write

from room.documents import State
from room.errors import Unavailable
from room.position import Position
from store.port import KEEP_ACKS_MS, AlreadyKept, BaseMoved, CommandKey
from store.sqlite import SqliteStore


async def test_every_start_is_a_new_epoch_whatever_the_clock_says(path: Path, clock: Clock) -> None:
    epochs = []
    for now_ms in (START_MS, START_MS, START_MS - 10**9, 0, START_MS + 50, START_MS + 50):
        clock.now_ms = now_ms
        opened = SqliteStore.open(path, clock)
        stored, _ = await opened.create("demo", STATE, now_ms)
        epochs.append(stored.position.epoch)
        await opened.close()
    assert epochs == [START_MS + n for n in (0, 1, 2, 3, 50, 51)]


async def test_rooms_survive_at_their_version_in_the_new_epoch(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    old = (await opened.commit("demo", stored.position, write("c1", "bob"))).stored
    await opened.close()
    opened = SqliteStore.open(path, clock)
    held = await opened.read("demo")
    assert held is not None
    assert held.position == Position(START_MS + 1, 2)
    assert (held.state, held.ts_ms) == (State("bob"), START_MS)
    assert held.position > old.position
    with pytest.raises(BaseMoved) as caught:
        await opened.commit("demo", old.position, write("c2", "carol"))
    assert caught.value.position == held.position
    after = (await opened.commit("demo", held.position, write("c2", "carol"))).stored
    assert after.position == Position(START_MS + 1, 3)
    await opened.close()


async def test_receipts_survive_with_their_first_position(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    first = await opened.commit("demo", stored.position, write("c1", "bob"))
    no_op = await opened.commit("demo", first.stored.position, write("c2", None))
    await opened.close()
    opened = SqliteStore.open(path, clock)
    assert await opened.recall("demo", CommandKey("alice", "c1")) == first.receipt
    assert await opened.recall("demo", CommandKey("alice", "c2")) == no_op.receipt
    assert first.receipt.position == Position(START_MS, 2)
    held = await opened.read("demo")
    assert held is not None
    with pytest.raises(AlreadyKept) as caught:
        await opened.commit("demo", held.position, write("c1", "carol"))
    assert caught.value.receipt == first.receipt
    await opened.close()


async def test_receipts_survive_ten_minutes_over_restarts_and_go_afterwards(
    path: Path, clock: Clock
) -> None:
    opened = SqliteStore.open(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    await opened.commit("demo", stored.position, write("c1", "bob"))
    for after_ms, rows in ((KEEP_ACKS_MS, 2), (KEEP_ACKS_MS + 1, 2)):
        await opened.close()
        clock.now_ms = START_MS + after_ms
        opened = SqliteStore.open(path, clock)
        held = await opened.read("demo")
        assert held is not None
        await opened.commit("demo", held.position, write(f"at{after_ms}", None))
        found = await opened.recall("demo", CommandKey("alice", "c1"))
        assert (found is not None) is (after_ms == KEEP_ACKS_MS)
        connection = sqlite3.connect(path)
        assert connection.execute("SELECT count(*) FROM acks").fetchone() == (rows,)
        connection.close()
    await opened.close()


async def test_close_finishes_what_was_accepted(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    tasks = [
        asyncio.ensure_future(opened.commit("demo", stored.position, write(f"c{n}", None)))
        for n in range(20)
    ]
    await asyncio.sleep(0)
    await opened.close()
    for committed in await settled(asyncio.gather(*tasks)):
        assert committed.stored == stored
    opened = SqliteStore.open(path, clock)
    for n in range(20):
        assert await opened.recall("demo", CommandKey("alice", f"c{n}")) is not None
    await opened.close()


async def test_closed_store_is_unavailable(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    await opened.close()
    with pytest.raises(Unavailable):
        await settled(opened.read("demo"))
    with pytest.raises(Unavailable):
        await settled(opened.commit("demo", stored.position, write("c1", "bob")))
    with pytest.raises(Unavailable):
        await settled(opened.create("other", STATE, START_MS))


async def test_second_close_does_nothing(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    await opened.close()
    again = SqliteStore.open(path, clock)
    await opened.close()
    assert (await again.create("demo", STATE, START_MS))[1]
    await again.close()
