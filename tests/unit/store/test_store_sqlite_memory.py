"""The working set: bounded, right at its edges, and silent to the disk where it can be."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from sqlite_samples import (
    HANG_S,
    START_MS,
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
    write,
)

from room.snapshot import Stored
from store.port import KEEP_ACKS_MS, AlreadyKept, BaseMoved
from store.sqlite import SqliteStore
from store.sqlite.acks import RecentAcks


def ack(name: str) -> tuple[str, str, str]:
    return "demo", "alice", name


def test_window_is_complete_until_a_young_ack_leaves_it() -> None:
    recent = RecentAcks(START_MS, capacity=3)
    for number in range(3):
        recent.add(ack(f"c{number}"), START_MS + number, b"r", now_ms=START_MS + number)
    assert recent.is_complete(START_MS + 2)
    recent.add(ack("c3"), START_MS + 3, b"r", now_ms=START_MS + 3)
    assert recent.find(ack("c0")) is None
    assert recent.find(ack("c1")) == b"r"
    assert not recent.is_complete(START_MS + 3)
    assert not recent.is_complete(START_MS + KEEP_ACKS_MS)
    assert recent.is_complete(START_MS + KEEP_ACKS_MS + 1)


def test_window_is_incomplete_again_where_the_clock_goes_back() -> None:
    recent = RecentAcks(START_MS, capacity=10)
    assert recent.is_complete(START_MS)
    assert not recent.is_complete(START_MS - 1)  # what was older than that was not loaded


def test_old_acks_leave_as_new_ones_come() -> None:
    recent = RecentAcks(START_MS, capacity=100)
    for number in range(10):
        recent.add(ack(f"old{number}"), START_MS, b"r", now_ms=START_MS)
    later = START_MS + KEEP_ACKS_MS + 1
    for number in range(5):
        recent.add(ack(f"new{number}"), later, b"r", now_ms=later)
    assert [recent.find(ack(f"old{number}")) for number in range(10)] == [None] * 10
    assert recent.is_complete(later)


def test_ack_that_was_long_on_its_way_empties_the_window_without_harm() -> None:
    recent = RecentAcks(START_MS, capacity=100)
    recent.add(ack("c1"), START_MS, b"r", now_ms=START_MS + 2 * KEEP_ACKS_MS)
    assert recent.find(ack("c1")) is None


def test_window_takes_the_newest_of_what_the_disk_has() -> None:
    recent = RecentAcks(START_MS, capacity=2)
    recent.load((ack(f"c{n}"), START_MS - n, b"r") for n in range(3))
    assert [recent.find(ack(f"c{n}")) for n in range(3)] == [b"r", b"r", None]
    assert not recent.is_complete(START_MS)
    assert recent.is_complete(START_MS - 2 + KEEP_ACKS_MS + 1)


async def test_ack_that_left_memory_is_found_on_disk(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock, max_acks=2)
    stored = await created(opened)
    for number in range(10):
        await no_op(opened, stored, f"c{number}")
    for number in range(10):
        assert await find(opened, f"c{number}") is not None
        with pytest.raises(AlreadyKept) as caught:
            await give(opened, stored, f"c{number}")
        assert set(caught.value.receipts) == {key(f"c{number}")}
    assert await find(opened, "never") is None
    consulted = await opened.consult("demo", [key(f"c{n}") for n in range(12)])
    assert set(consulted.receipts) == {key(f"c{n}") for n in range(10)}
    await give(opened, stored, "new")
    await opened.close()


async def test_of_many_sends_of_one_command_one_is_applied_with_the_disk_asked_each_time(
    path: Path, clock: Clock
) -> None:
    opened, _ = open_on_disk(path, clock, max_acks=1)
    stored = await created(opened)
    await no_op(opened, stored, "a", "b", "c")
    outcomes = await settled(
        asyncio.gather(
            *(give(opened, stored, "c1", f"u{n}") for n in range(20)), return_exceptions=True
        )
    )
    kept = [one for one in outcomes if isinstance(one, AlreadyKept)]
    assert len(kept) == 19
    assert all(set(one.receipts) == {key("c1")} for one in kept)
    await opened.close()


async def test_memory_holds_few_rooms_and_serves_all(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock, max_rooms=3)
    rooms = [await created(opened, f"room{n}") for n in range(10)]
    rooms = list(
        await settled(asyncio.gather(*(give(opened, room, f"c-{room.room}") for room in rooms)))
    )
    assert len(opened._working._rooms) <= 4
    for room in rooms:
        assert await opened.read(room.room) == room
        assert len(opened._working._rooms) <= 4
    await opened.close()


async def test_pending_room_stays_in_memory(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock, max_rooms=1)
    stored, other = await created(opened), await created(opened, "other")
    assert await opened.read("demo") == stored
    gate = Gate(disk)
    task = asyncio.ensure_future(give(opened, stored, "c1"))
    await gate.reached()
    assert await opened.read("other") == other
    third = asyncio.ensure_future(give(opened, other, "c2"))
    assert await opened.read("demo") == stored
    gate.open()
    after = await settled(task)
    assert await opened.read("demo") == after
    newest = await settled(third)
    assert await opened.read("other") == newest
    await opened.close()


async def test_documents_in_memory_are_bounded_by_their_bytes(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock)
    await created(opened)
    documents = []
    for number in range(10):
        data = b'"' + b"x" * 400 + b'"'
        fingerprint = str(number).encode()
        document, _ = await opened.put_document("demo", f"x-{number}", data, fingerprint, START_MS)
        documents.append(document)
        assert len(opened._working._documents) <= 2
    for document in documents:
        assert await opened.read_document("demo", document.doc) == document
    again, _ = await opened.put_document("demo", "x-0", b"{}", b"new", START_MS)
    assert again.position.version == 2
    await opened.close()


async def test_readers_of_one_cold_room_ask_the_disk_once(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock)
    await created(opened)
    await opened.close()
    opened, _ = open_on_disk(path, clock)
    asked: list[str] = []
    opened._reader.connection.set_trace_callback(asked.append)
    tasks = [asyncio.ensure_future(opened.read("demo")) for _ in range(50)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    outcomes = await settled(asyncio.gather(*tasks, return_exceptions=True))
    assert len({id(one) for one in outcomes[1:]}) == 1
    assert len([sql for sql in asked if "FROM rooms" in sql]) == 1
    await opened.close()


async def test_warm_commit_asks_the_disk_nothing(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored = await created(opened)
    asked: list[str] = []
    opened._reader.connection.set_trace_callback(asked.append)
    disk.statements.clear()
    after = owned(stored, "bob")
    await opened.commit(stored.revision, write(after, "c1", "c2", "c3"))
    assert asked == []
    assert disk.statements == ["INSERT"]
    await opened.close()


async def test_late_read_never_takes_the_place_of_a_room_that_was_created_meanwhile(
    path: Path, clock: Clock
) -> None:
    """A second caller looks for the room just before it is created, and the reader is busy."""
    store = SqliteStore.open(path, clock)
    busy = threading.Event()

    async def look_again() -> Stored | None:
        under_way = store._reader._under_way
        while "demo" not in under_way:  # noqa: ASYNC110 - it must come in this very turn
            await asyncio.sleep(0)
        while "demo" in under_way:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        store._reader._threads.submit(busy.wait, HANG_S)
        return await store.read("demo")

    looking = asyncio.create_task(look_again())
    base = await created(store)
    assert not looking.done()
    busy.set()
    store._reader._threads.submit(int).result(HANG_S)  # it has read, and nobody was told yet
    after = await give(store, base, "c1")
    await settled(looking)
    assert await store.read("demo") == after
    with pytest.raises(BaseMoved):
        await give(store, base, "c2", owner_id="cee")
    await store.close()
