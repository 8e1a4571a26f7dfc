"""A disk that fails, rows that can't be read: an error for the caller, and the store goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlite_samples import (
    START_MS,
    STATE,
    Clock,
    Gate,
    open_on_disk,
    settled,
    write,
)

from room.documents import State
from room.errors import SeatsyncError, Unavailable
from store.port import CommandKey, Write
from store.sqlite import SqliteStore, database
from store.sqlite.writer import Writer


@pytest.mark.parametrize("verb", ["BEGIN", "UPDATE", "INSERT", "COMMIT"])
async def test_failing_disk_is_unavailable_and_keeps_nothing_of_the_group(
    path: Path, clock: Clock, verb: str
) -> None:
    opened, disk = open_on_disk(path, clock)
    demo, _ = await opened.create("demo", STATE, START_MS)
    other, _ = await opened.create("other", STATE, START_MS)
    gate = Gate()
    disk.before = lambda statement: gate.pass_through() if statement == "COMMIT" else None
    blocker = asyncio.ensure_future(opened.create("blocker", STATE, START_MS))
    await gate.reached()
    group = [
        asyncio.ensure_future(opened.commit("other", other.position, write("c0", None))),
        asyncio.ensure_future(opened.commit("demo", demo.position, write("c1", "bob"))),
        asyncio.ensure_future(opened.commit("demo", demo.position, write("c2", "carol"))),
        asyncio.ensure_future(opened.commit("nowhere", demo.position, write("c3", "carol"))),
        asyncio.ensure_future(opened.commit("demo", demo.position, write("c1", "bob"))),
    ]
    await asyncio.sleep(0)

    def fail_from_the_next_group_on(statement: str) -> None:
        if statement == "BEGIN":
            disk.failing = {verb}

    disk.before = fail_from_the_next_group_on
    gate.open()
    assert (await settled(blocker))[1]
    outcomes = await settled(asyncio.gather(*group, return_exceptions=True))
    disk.before = lambda statement: None
    disk.failing = set()
    for outcome in outcomes:
        assert isinstance(outcome, Unavailable)
        assert outcome.travel.retryable
    assert await opened.read("demo") == demo
    for name in ("c0", "c1", "c2", "c3"):
        for room in ("demo", "other"):
            assert await opened.recall(room, CommandKey("alice", name)) is None
    again = await settled(opened.commit("demo", demo.position, write("c1", "bob")))
    assert again.stored.state == State("bob")
    assert again.stored.position.version == 2
    await opened.close()


async def test_roll_back_that_fails_too_does_not_end_the_writer(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    disk.failing = {"UPDATE", "ROLLBACK"}
    with pytest.raises(Unavailable):
        await settled(opened.commit("demo", stored.position, write("c1", "bob")))
    disk.failing = set()
    again = await settled(opened.commit("demo", stored.position, write("c1", "carol")))
    assert again.stored.state == State("carol")
    assert again.stored.position.version == 2
    await opened.close()


async def test_full_disk_is_unavailable_until_there_is_room_again(path: Path, clock: Clock) -> None:
    lock = database.Lock(path)
    connection = database.connect(path)
    epoch = database.prepare(connection, path, clock())
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    opened = SqliteStore(lock, database.connect(path), Writer(connection), epoch, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    big = write("c1", "b" * 100_000)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await settled(opened.commit("demo", stored.position, big))
    assert await opened.read("demo") == stored
    assert await opened.recall("demo", big.key) is None
    connection.execute("PRAGMA max_page_count = 1000000")
    assert (await settled(opened.commit("demo", stored.position, big))).stored.state == big.state
    await opened.close()


async def test_reason_of_the_disk_is_not_told_to_the_peer(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    disk.failing = {"COMMIT"}
    with pytest.raises(Unavailable) as caught:
        await settled(opened.create("demo", STATE, START_MS))
    assert "I/O" not in caught.value.message
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    disk.failing = set()
    await opened.close()


async def test_failing_read_is_unavailable(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock)
    await opened.create("demo", STATE, START_MS)
    other = sqlite3.connect(path)
    other.execute("ALTER TABLE rooms RENAME TO gone")
    other.execute("ALTER TABLE acks RENAME TO gone_too")
    other.close()
    with pytest.raises(Unavailable):
        await settled(opened.read("demo"))
    with pytest.raises(Unavailable):
        await settled(opened.recall("demo", CommandKey("alice", "c1")))
    await opened.close()


@pytest.mark.parametrize("state", [b"{", b"[]", b"\xff", b'{"owner_id":1}', b""])
async def test_room_that_cannot_be_read_is_unavailable_and_harms_no_other(
    path: Path, clock: Clock, state: bytes
) -> None:
    opened, _ = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    await opened.create("other", STATE, START_MS)
    vandal = sqlite3.connect(path, isolation_level=None)
    vandal.execute("UPDATE rooms SET state = ? WHERE room = 'demo'", (state,))
    vandal.close()
    with pytest.raises(Unavailable):
        await settled(opened.read("demo"))
    with pytest.raises(Unavailable):
        await settled(opened.commit("demo", stored.position, write("c1", "bob")))
    other = await settled(opened.commit("other", stored.position, write("c2", "bob")))
    assert other.stored.state == State("bob")
    await opened.close()


@pytest.mark.parametrize(
    "poisoned",
    [
        write("c1", "cut emoji \ud83d"),
        write("cut emoji \ud83d", "bob"),
    ],
    ids=["state", "cmd_id"],
)
async def test_write_that_has_no_bytes_fails_alone(
    path: Path, clock: Clock, poisoned: Write
) -> None:
    """A half of a surrogate pair passes JSON decoders and is no UTF-8."""
    opened, _ = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    with pytest.raises((SeatsyncError, ValueError)):
        await settled(opened.commit("demo", stored.position, poisoned))
    assert await opened.read("demo") == stored
    again = await settled(opened.commit("demo", stored.position, write("c2", "bob")))
    assert again.stored.state == State("bob")
    await opened.close()


async def test_room_that_has_no_bytes_fails_alone(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock)
    with pytest.raises((SeatsyncError, ValueError)):
        await settled(opened.create("demo", State("cut emoji \ud83d"), START_MS))
    assert (await settled(opened.create("demo", STATE, START_MS)))[1]
    await opened.close()
