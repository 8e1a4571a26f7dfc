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
    created,
    find,
    give,
    key,
    no_op,
    open_on_disk,
    owned,
    settled,
    turns,
    write,
)

from room.documents import State
from room.errors import InvalidArgument, Unavailable
from store.sqlite import SqliteStore


async def test_failing_disk_is_unavailable_and_keeps_nothing_of_the_group(
    path: Path, clock: Clock
) -> None:
    opened, disk = open_on_disk(path, clock)
    demo, other = await created(opened), await created(opened, "other")
    disk.failing = {"INSERT"}
    outcomes = await settled(
        asyncio.gather(
            no_op(opened, other, "c0"),
            give(opened, demo, "c1"),
            give(opened, demo, "c2", "carol"),
            opened.create("new", STATE, START_MS),
            opened.put_document("demo", "x-score", b"{}", b"", START_MS),
            return_exceptions=True,
        )
    )
    for outcome in outcomes:
        assert isinstance(outcome, Unavailable)
        assert outcome.travel.retryable
    assert await opened.read("demo") == demo
    assert await opened.read("new") is None
    assert await opened.read_document("demo", "x-score") is None
    for name in ("c0", "c1", "c2"):
        assert await find(opened, name) is None
        assert await find(opened, name, room="other") is None
    disk.failing = set()
    again = await give(opened, demo, "c1")
    assert await opened.read("demo") == again
    await created(opened, "new")
    assert (await opened.put_document("demo", "x-score", b"{}", b"", START_MS))[1]
    await opened.close()


async def test_commits_that_build_on_a_failed_group_fail_with_it(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    base = await created(opened)
    disk.failing = {"INSERT"}
    gate = Gate(disk)
    first, second = owned(base, "bob"), owned(owned(base, "bob"), "carol")
    under_way = asyncio.ensure_future(opened.commit(base.revision, write(first, "c1")))
    await gate.reached()
    behind = asyncio.ensure_future(opened.commit(first.revision, write(second, "c2")))
    beside = asyncio.ensure_future(give(opened, base, "c3", "dave"))
    await turns()
    disk.before = lambda verb: disk.failing.clear()
    gate.open()
    for task in (under_way, behind):
        with pytest.raises(Unavailable):
            await settled(task)
    after = await settled(beside)  # it waited for the outcome, and its base holds again
    assert await opened.read("demo") == after
    assert after.state == State("dave")
    assert await find(opened, "c2") is None
    await opened.close()
    opened = SqliteStore.open(path, clock)
    held = await opened.read("demo")
    assert held is not None
    assert (held.state, held.position.version) == (State("dave"), 2)
    await opened.close()


async def test_reads_go_on_from_memory_with_the_disk_gone(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored = await give(opened, await created(opened), "c1")
    document, _ = await opened.put_document("demo", "x-score", b"{}", b"", START_MS)
    disk.failing = {"INSERT"}
    opened._reader.connection.close()  # whatever asks the disk fails now
    assert await settled(opened.read("demo")) == stored
    assert await find(opened, "c1") is not None
    assert await find(opened, "never") is None
    assert await settled(opened.read_document("demo", "x-score")) == document
    assert await settled(opened.read_document("demo", "x-never")) is None
    assert await settled(opened.create("demo", STATE, START_MS)) == (stored, False)
    with pytest.raises(Unavailable):
        await settled(opened.read("cold"))
    with pytest.raises(Unavailable):
        await give(opened, stored, "c2")
    await opened.close()


async def test_roll_back_that_fails_too_does_not_end_the_writer(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock, max_acks=10_000)
    base = await created(opened)
    disk.failing = {"COMMIT", "ROLLBACK"}
    with pytest.raises(Unavailable):
        await no_op(opened, base, *(f"c{n}" for n in range(2000)))
    assert disk.in_transaction
    disk.failing = set()
    after = await give(opened, base, "c1")
    assert not disk.in_transaction
    assert await opened.read("demo") == after
    assert await find(opened, "c0") is None
    await opened.close()


async def test_reason_of_the_disk_is_not_told_to_the_peer(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    disk.failing = {"INSERT"}
    with pytest.raises(Unavailable) as caught:
        await settled(opened.create("demo", STATE, START_MS))
    assert "I/O" not in caught.value.message
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    disk.failing = set()
    await opened.close()


async def test_failing_read_is_unavailable_and_is_tried_again(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock)
    await created(opened)
    await opened.close()
    opened, _ = open_on_disk(path, clock)
    vandal = sqlite3.connect(path)
    vandal.execute("ALTER TABLE rooms RENAME TO gone")
    with pytest.raises(Unavailable):
        await settled(opened.read("demo"))
    vandal.execute("ALTER TABLE gone RENAME TO rooms")
    vandal.close()
    assert await settled(opened.read("demo")) is not None
    await opened.close()


@pytest.mark.parametrize("column", ["state", "requests"])
@pytest.mark.parametrize("garbage", [b"{", b"[]", b"\xff", b'{"owner_id":1,"items":1}', b""])
async def test_room_that_cannot_be_read_is_unavailable_and_harms_no_other(
    path: Path, clock: Clock, column: str, garbage: bytes
) -> None:
    opened, _ = open_on_disk(path, clock)
    stored, other = await created(opened), await created(opened, "other")
    await opened.close()
    vandal = sqlite3.connect(path, isolation_level=None)
    vandal.execute(
        f"UPDATE rooms SET {column} = ?, seated = 1 WHERE room = 'demo'",  # noqa: S608 - ours
        (garbage,),
    )
    vandal.close()
    opened, _ = open_on_disk(path, clock)
    with pytest.raises(Unavailable):
        await settled(opened.read("demo"))
    with pytest.raises(Unavailable):
        await give(opened, stored, "c1")
    held = await opened.read("other")
    assert held is not None
    assert held.state == other.state
    await give(opened, held, "c2")
    assert opened.taken() == []
    await opened.close()


@pytest.mark.parametrize(("owner_id", "name"), [("cut \ud83d", "c1"), ("bob", "cut \ud83d")])
async def test_write_that_has_no_bytes_fails_alone(
    path: Path, clock: Clock, owner_id: str, name: str
) -> None:
    """A half of a surrogate pair passes JSON decoders and is no UTF-8."""
    opened, _ = open_on_disk(path, clock)
    demo, other = await created(opened), await created(opened, "other")
    poisoned, sound = await settled(
        asyncio.gather(
            give(opened, demo, name, owner_id), give(opened, other, "c2"), return_exceptions=True
        )
    )
    assert isinstance(poisoned, InvalidArgument)
    assert not isinstance(sound, BaseException)
    assert await opened.read("demo") == demo
    await give(opened, demo, "c3")
    await opened.close()


async def test_room_that_has_no_bytes_fails_alone(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock)
    with pytest.raises(InvalidArgument):
        await settled(opened.create("demo", State("cut emoji \ud83d"), START_MS))
    await created(opened)
    await opened.close()


async def test_full_file_is_unavailable_until_there_is_room_again(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored = await created(opened)
    (pages,) = disk.execute("PRAGMA page_count").fetchone()
    disk.execute(f"PRAGMA max_page_count = {pages + 2}")
    for _ in range(3):
        with pytest.raises(Unavailable):
            await give(opened, stored, "c1", "b" * 100_000)
    assert await opened.read("demo") == stored
    assert (await opened.consult("demo", [key("c1")])).receipts == {}
    disk.execute("PRAGMA max_page_count = 1000000")
    after = await give(opened, stored, "c1", "b" * 100_000)
    assert await opened.read("demo") == after
    await opened.close()


async def test_file_that_became_read_only_refuses_writes_until_it_is_writable_again(
    path: Path, clock: Clock
) -> None:
    opened, disk = open_on_disk(path, clock)
    stored = await created(opened)
    disk.execute("PRAGMA query_only = ON")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await give(opened, stored, "c1")
    assert await opened.read("demo") == stored
    assert await find(opened, "c1") is None
    disk.execute("PRAGMA query_only = OFF")
    after = await give(opened, stored, "c1")
    assert await opened.read("demo") == after
    await opened.close()
