"""Group commit: one transaction and one sync for all writes that wait."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlite_samples import START_MS, STATE, Clock, Gate, open_on_disk, settled, write

from room.errors import RoomNotFound
from room.position import Position
from store.port import AlreadyKept, BaseMoved, CommandKey
from store.sqlite import database
from store.sqlite.writer import LARGEST_GROUP, Writer


async def test_writing_connection_syncs_its_log_at_every_commit(path: Path) -> None:
    writer = Writer(database.connect(path))
    assert await writer.submit(lambda c: c.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    full = 2
    assert await writer.submit(lambda c: c.execute("PRAGMA synchronous").fetchone()) == (full,)
    await writer.close()


async def test_writes_that_wait_share_one_transaction(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    gate = Gate()
    disk.before = lambda verb: gate.pass_through() if verb == "BEGIN" else None
    blocker = asyncio.ensure_future(opened.create("other", STATE, START_MS))
    await gate.reached()
    disk.statements.clear()
    waiting = [
        asyncio.ensure_future(opened.commit("demo", stored.position, write(f"c{n}", None)))
        for n in range(100)
    ]
    await asyncio.sleep(0)
    gate.open()
    await settled(asyncio.gather(blocker, *waiting))
    assert disk.count("COMMIT") == 2
    assert disk.count("BEGIN") == 1  # the other one was under way
    await opened.close()


async def test_largest_group_is_bounded(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    gate = Gate()
    disk.before = lambda verb: gate.pass_through() if verb == "BEGIN" else None
    blocker = asyncio.ensure_future(opened.create("other", STATE, START_MS))
    await gate.reached()
    disk.statements.clear()
    waiting = [
        asyncio.ensure_future(opened.commit("demo", stored.position, write(f"c{n}", None)))
        for n in range(LARGEST_GROUP + 1)
    ]
    await asyncio.sleep(0)
    gate.open()
    await settled(asyncio.gather(blocker, *waiting))
    assert disk.count("COMMIT") == 3
    await opened.close()


async def test_nothing_is_acknowledged_or_seen_before_the_commit_returns(
    path: Path, clock: Clock
) -> None:
    opened, disk = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    gate = Gate()
    disk.before = lambda verb: gate.pass_through() if verb == "COMMIT" else None
    task = asyncio.ensure_future(opened.commit("demo", stored.position, write("c1", "bob")))
    await gate.reached()
    assert not task.done()
    assert await opened.read("demo") == stored
    assert await opened.recall("demo", CommandKey("alice", "c1")) is None
    gate.open()
    committed = await settled(task)
    assert await opened.read("demo") == committed.stored
    await opened.close()


async def test_each_write_of_a_group_is_judged_after_the_one_before_it(
    path: Path, clock: Clock
) -> None:
    opened, disk = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    gate = Gate()
    disk.before = lambda verb: gate.pass_through() if verb == "BEGIN" else None
    blocker = asyncio.ensure_future(opened.create("other", STATE, START_MS))
    await gate.reached()
    next_base = Position(START_MS, 2)
    group = [
        asyncio.ensure_future(opened.commit(room, base, asked))
        for room, base, asked in (
            ("demo", stored.position, write("c1", "bob")),
            ("demo", stored.position, write("c2", "carol")),
            ("demo", stored.position, write("c1", "dave")),
            ("demo", next_base, write("c3", "erin")),
            ("nowhere", next_base, write("c4", "erin")),
            ("demo", Position(START_MS, 3), write("c5", None)),
        )
    ]
    await asyncio.sleep(0)
    gate.open()
    first, moved, kept, second, nowhere, no_op = await settled(
        asyncio.gather(*group, return_exceptions=True)
    )
    await blocker
    assert not isinstance(first, BaseException)
    assert isinstance(moved, BaseMoved)
    assert moved.position == next_base
    assert isinstance(kept, AlreadyKept)
    assert kept.receipt == first.receipt
    assert not isinstance(second, BaseException)
    assert second.stored.position == Position(START_MS, 3)
    assert isinstance(nowhere, RoomNotFound)
    assert not isinstance(no_op, BaseException)
    assert no_op.stored == second.stored == await opened.read("demo")
    assert disk.count("ROLLBACK") == 0
    await opened.close()


async def test_write_of_a_cancelled_caller_does_not_disturb_its_group(
    path: Path, clock: Clock
) -> None:
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    opened, disk = open_on_disk(path, clock)
    stored, _ = await opened.create("demo", STATE, START_MS)
    gate = Gate()
    disk.before = lambda verb: gate.pass_through() if verb == "BEGIN" else None
    blocker = asyncio.ensure_future(opened.create("other", STATE, START_MS))
    await gate.reached()
    tasks = [
        asyncio.ensure_future(opened.commit("demo", stored.position, write(f"c{n}", None)))
        for n in range(3)
    ]
    await asyncio.sleep(0)
    tasks[1].cancel()
    gate.open()
    await blocker
    outcomes = await settled(asyncio.gather(*tasks, return_exceptions=True))
    assert isinstance(outcomes[1], asyncio.CancelledError)
    for name in ("c0", "c1", "c2"):
        assert await opened.recall("demo", CommandKey("alice", name)) is not None
    await opened.close()
    assert complaints == []


def test_writer_outlives_the_loop_of_a_caller(path: Path) -> None:
    writer = Writer(database.connect(path))
    gate = Gate()

    async def give_up() -> None:
        task = asyncio.ensure_future(writer.submit(gate.pass_through))
        await gate.reached()
        task.cancel()

    async def ask() -> int:
        return await settled(writer.submit(lambda _: 7))

    asyncio.run(give_up())
    gate.open()
    answer = 7
    assert asyncio.run(ask()) == answer
    asyncio.run(writer.close())


@pytest.mark.parametrize("room", ["demo'; DROP TABLE rooms; --", '"', "%"])
async def test_names_are_never_part_of_a_statement(path: Path, clock: Clock, room: str) -> None:
    opened, _ = open_on_disk(path, clock)
    stored, _ = await opened.create(room, STATE, START_MS)
    assert await opened.read(room) == stored
    assert await opened.read("x") is None
    await opened.close()
