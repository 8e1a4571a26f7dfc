"""Group commit: one transaction and one sync for all writes that wait."""

from __future__ import annotations

import asyncio
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

from room.snapshot import Stored
from store.port import AlreadyKept, BaseMoved, Write
from store.sqlite import SqliteStore, database
from store.sqlite.batch import LARGEST_STATEMENT_ROWS


def test_connection_syncs_its_log_at_every_commit(path: Path, clock: Clock) -> None:
    opened, _ = open_on_disk(path, clock)
    connection = database.connect(path)
    full = 2
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (full,)
    connection.close()
    asyncio.run(opened.close())


async def test_writes_that_wait_share_one_statement(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored = await created(opened)
    gate = Gate(disk)
    blocker = asyncio.ensure_future(created(opened, "other"))
    await gate.reached()
    disk.statements.clear()
    waiting = [asyncio.ensure_future(no_op(opened, stored, f"c{n}")) for n in range(100)]
    await turns()
    gate.open()
    await settled(asyncio.gather(blocker, *waiting))
    assert disk.statements == ["INSERT"]
    await opened.close()


async def test_writes_of_one_turn_of_the_loop_share_one_statement(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    rooms = [await created(opened, f"room{n}") for n in range(50)]
    disk.statements.clear()
    await asyncio.gather(*(give(opened, room, "c1") for room in rooms))
    assert disk.statements == ["INSERT"]
    await opened.close()


async def test_largest_group_is_bounded(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock, max_acks=10_000)
    stored = await created(opened)
    disk.statements.clear()
    many = range(LARGEST_STATEMENT_ROWS + 1)
    await asyncio.gather(*(no_op(opened, stored, f"c{n}") for n in many))
    assert disk.statements == ["INSERT", "INSERT"]
    await opened.close()


async def test_write_that_is_larger_than_a_statement_is_still_one_transaction(
    path: Path, clock: Clock
) -> None:
    opened, disk = open_on_disk(path, clock, max_acks=10_000)
    stored = await created(opened)
    names = [f"c{n}" for n in range(2 * LARGEST_STATEMENT_ROWS)]
    disk.statements.clear()
    await no_op(opened, stored, *names)
    assert disk.statements == ["BEGIN", "INSERT", "INSERT", "INSERT", "COMMIT"]
    disk.before = lambda verb: disk.failing.add("INSERT") if disk.count("INSERT") > 1 else None
    disk.statements.clear()
    with pytest.raises(Exception, match="can't write"):
        await no_op(opened, stored, *(f"d{n}" for n in range(2 * LARGEST_STATEMENT_ROWS)))
    assert disk.statements == ["BEGIN", "INSERT", "INSERT", "ROLLBACK"]
    await opened.close()
    opened = SqliteStore.open(path, clock)
    assert await find(opened, "c2000") is not None
    assert await find(opened, "d0") is None
    await opened.close()


async def test_nothing_is_acknowledged_or_seen_before_it_is_on_disk(
    path: Path, clock: Clock
) -> None:
    opened, disk = open_on_disk(path, clock)
    stored = await created(opened)
    gate = Gate(disk)
    task = asyncio.ensure_future(give(opened, stored, "c1"))
    await gate.reached()
    assert not task.done()
    assert await opened.read("demo") == stored
    assert (await opened.consult("demo", [key("c1")])).receipts == {}
    gate.open()
    after = await settled(task)
    assert await opened.read("demo") == after
    await opened.close()


async def test_commits_may_follow_one_another_without_waiting(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    base = await created(opened)
    disk.statements.clear()
    tasks = []
    for number in range(5):
        after = owned(base, f"u{number}")
        tasks.append(
            asyncio.ensure_future(opened.commit(base.revision, write(after, f"c{number}")))
        )
        base = after
    await settled(asyncio.gather(*tasks))
    assert disk.statements == ["INSERT"]
    assert await opened.read("demo") == base
    await opened.close()
    opened = SqliteStore.open(path, clock)
    held = await opened.read("demo")
    assert held is not None
    assert (held.state, held.position.version) == (base.state, 6)
    await opened.close()


async def test_conflict_with_what_is_pending_is_told_once_that_is_on_disk(
    path: Path, clock: Clock
) -> None:
    """Told before, the loser would read the old room, compute, and lose again, without end."""
    opened, disk = open_on_disk(path, clock)
    base = await created(opened)
    gate = Gate(disk)
    first = asyncio.ensure_future(give(opened, base, "c1"))
    await gate.reached()
    second = asyncio.ensure_future(give(opened, base, "c2", "carol"))
    resend = asyncio.ensure_future(give(opened, base, "c1", "dave"))
    await turns()
    assert not second.done()
    assert not resend.done()
    gate.open()
    after = await settled(first)
    with pytest.raises(BaseMoved) as moved:
        await settled(second)
    assert moved.value.position == after.position
    with pytest.raises(AlreadyKept) as kept:
        await settled(resend)
    assert kept.value.receipts == {key("c1"): await find(opened, "c1")}
    await opened.close()


async def test_empty_write_on_a_pending_room_returns_once_that_is_on_disk(
    path: Path, clock: Clock
) -> None:
    opened, disk = open_on_disk(path, clock)
    base = await created(opened)
    gate = Gate(disk)
    after = owned(base, "bob")
    first = asyncio.ensure_future(opened.commit(base.revision, write(after, "c1")))
    await gate.reached()
    empty = asyncio.ensure_future(opened.commit(after.revision, Write(after)))
    await turns()
    assert not empty.done()
    gate.open()
    await settled(asyncio.gather(first, empty))
    await opened.close()


async def test_creation_is_not_seen_before_it_is_on_disk(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    gate = Gate(disk)
    first = asyncio.ensure_future(opened.create("demo", STATE, START_MS))
    await gate.reached()
    second = asyncio.ensure_future(opened.create("demo", STATE, START_MS + 1))
    document = asyncio.ensure_future(opened.put_document("demo", "x-a", b"{}", b"", START_MS))
    await turns()
    assert not second.done()
    assert not document.done()
    assert await opened.read("demo") is None
    gate.open()
    stored, is_new = await settled(first)
    assert is_new
    assert await settled(second) == (stored, False)
    assert (await settled(document))[1]
    await opened.close()


async def test_write_of_a_cancelled_caller_does_not_disturb_its_group(
    path: Path, clock: Clock
) -> None:
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    opened, disk = open_on_disk(path, clock)
    stored = await created(opened)
    gate = Gate(disk)
    blocker = asyncio.ensure_future(created(opened, "other"))
    await gate.reached()
    tasks = [asyncio.ensure_future(no_op(opened, stored, f"c{n}")) for n in range(3)]
    await turns()
    tasks[1].cancel()
    gate.open()
    await blocker
    outcomes = await settled(asyncio.gather(*tasks, return_exceptions=True))
    assert isinstance(outcomes[1], asyncio.CancelledError)
    for name in ("c0", "c1", "c2"):
        assert await find(opened, name) is not None
    await opened.close()
    assert complaints == []


async def test_close_finishes_what_was_accepted(path: Path, clock: Clock) -> None:
    opened, disk = open_on_disk(path, clock)
    stored = await created(opened)
    gate = Gate(disk)
    blocker = asyncio.ensure_future(created(opened, "other"))
    await gate.reached()
    tasks = [asyncio.ensure_future(no_op(opened, stored, f"c{n}")) for n in range(20)]
    await turns()
    closing = asyncio.ensure_future(opened.close())
    await turns()
    gate.open()
    await settled(asyncio.gather(blocker, closing, *tasks))
    opened = SqliteStore.open(path, clock)
    for n in range(20):
        assert await find(opened, f"c{n}") is not None
    await opened.close()


@pytest.mark.parametrize("room", ["demo'; DROP TABLE rooms; --", '"', "%", "?"])
async def test_names_are_never_part_of_a_statement(path: Path, clock: Clock, room: str) -> None:
    opened, _ = open_on_disk(path, clock)
    stored: Stored = await created(opened, room)
    assert await opened.read(room) == stored
    assert await opened.read("x") is None
    await opened.close()
