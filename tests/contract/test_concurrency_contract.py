"""One suite for every store: many callers at once, callers that go away, and the end."""

from __future__ import annotations

import asyncio

import pytest
from contract_samples import (
    START_MS,
    Clock,
    after,
    created,
    find,
    key,
    put,
    seated,
    set_state,
    write,
)

from room.documents import State
from room.errors import SeatsyncError, Unavailable
from room.position import Position
from room.snapshot import Stored
from store.port import AlreadyKept, BaseMoved, Precondition, Store

MANY = 50


async def test_of_fifty_commits_from_one_base_exactly_one_wins(store: Store) -> None:
    base = await created(store)
    outcomes = await asyncio.gather(
        *(set_state(store, base, f"c{n}") for n in range(MANY)), return_exceptions=True
    )
    (won,) = [one for one in outcomes if isinstance(one, Stored)]
    lost = [one for one in outcomes if not isinstance(one, Stored)]
    for error in lost:
        assert isinstance(error, BaseMoved)
        assert error.position == won.position
    assert await store.read("demo") == won
    consulted = await store.consult("demo", [key(f"c{n}") for n in range(MANY)])
    assert len(consulted.receipts) == 1


async def test_of_fifty_sends_of_one_command_exactly_one_is_applied(store: Store) -> None:
    base = await created(store)
    outcomes = await asyncio.gather(
        *(set_state(store, base, "c1", f"u{n}") for n in range(MANY)), return_exceptions=True
    )
    (won,) = [one for one in outcomes if isinstance(one, Stored)]
    receipt = await find(store, "c1")
    assert receipt is not None
    for outcome in outcomes:
        if outcome is not won:
            assert isinstance(outcome, AlreadyKept)
            assert outcome.receipts == {key("c1"): receipt}
    assert await store.read("demo") == won


async def test_fifty_writers_who_read_again_all_get_through_in_some_order(store: Store) -> None:
    await created(store)

    async def persist(number: int) -> int:
        while True:
            held = await store.read("demo")
            assert held is not None
            try:
                stored = await set_state(store, held, f"c{number}")
            except BaseMoved:
                continue
            return stored.position.version

    versions = await asyncio.gather(*(persist(number) for number in range(MANY)))
    assert sorted(versions) == list(range(2, MANY + 2))


async def test_conflict_shows_the_newer_room_to_whoever_reads_next(store: Store) -> None:
    base = await created(store)

    async def try_once(number: int) -> tuple[Position | None, Stored | None]:
        try:
            await set_state(store, base, f"c{number}")
        except BaseMoved as moved:
            return moved.position, await store.read("demo")
        return base.position, await store.read("demo")

    for said, held in await asyncio.gather(*(try_once(number) for number in range(MANY))):
        assert said is not None
        assert held is not None
        assert held.position >= said
        assert held.position > base.position


async def test_what_was_acknowledged_is_what_is_read_next(store: Store) -> None:
    async def follow(room: str) -> None:
        stored = await created(store, room)
        for number in range(20):
            stored = await set_state(store, stored, f"c{number}")
            assert await store.read(room) == stored
            assert await find(store, f"c{number}", room=room) is not None

    await asyncio.gather(*(follow(f"room{n}") for n in range(20)))


async def test_of_fifty_creations_exactly_one_creates(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(store.create("demo", State(f"owner{n}"), START_MS + n) for n in range(MANY))
    )
    assert [is_new for _, is_new in outcomes].count(True) == 1
    assert len({stored.state.owner_id for stored, _ in outcomes}) == 1
    assert {stored.position.version for stored, _ in outcomes} == {1}


async def test_of_fifty_documents_each_is_a_version_of_its_own(store: Store) -> None:
    await created(store)
    outcomes = await asyncio.gather(*(put(store, f"n{n}") for n in range(MANY)))
    assert all(changed for _, changed in outcomes)
    assert sorted(one.position.version for one, _ in outcomes) == list(range(1, MANY + 1))
    (last,) = [one for one, _ in outcomes if one.position.version == MANY]
    assert await store.read_document("demo", "x-score") == last


async def test_of_fifty_documents_from_one_position_exactly_one_wins(store: Store) -> None:
    await created(store)
    first, _ = await put(store, "first")
    condition = Precondition((first.position,))
    outcomes = await asyncio.gather(
        *(put(store, f"n{n}", precondition=condition) for n in range(MANY)), return_exceptions=True
    )
    won = [one for one in outcomes if not isinstance(one, BaseException)]
    lost = [one for one in outcomes if isinstance(one, SeatsyncError)]
    assert (len(won), len(lost)) == (1, MANY - 1)
    assert {error.code for error in lost} == {"VERSION_MISMATCH"}
    assert await store.read_document("demo", "x-score") == won[0][0]


@pytest.mark.parametrize("turns", range(6))
async def test_cancelled_commit_is_whole_or_not_at_all(store: Store, turns: int) -> None:
    base = await created(store)
    stored = after(base, seated("a"))
    task = asyncio.ensure_future(store.commit(base.revision, write(stored, "c1")))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    other = await created(store, "other")
    await set_state(store, other, "c2")  # whatever was under way has ended when this has
    consulted = await store.consult("demo", [key("c1")])
    assert consulted.stored in (base, stored)
    assert (key("c1") in consulted.receipts) is (consulted.stored == stored)


async def test_cancelled_reader_does_not_disturb_the_others(store: Store) -> None:
    base = await created(store)
    tasks = [asyncio.ensure_future(store.read("demo")) for _ in range(MANY)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes[1::2]:
        assert outcome == base


async def test_close_ends_every_call_and_leaves_none_half_done(store: Store, clock: Clock) -> None:
    rooms = [await created(store, f"room{n}") for n in range(MANY)]
    tasks = [asyncio.ensure_future(set_state(store, room, "c1")) for room in rooms]
    await asyncio.sleep(0)
    await store.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, Stored | Unavailable) for one in outcomes)
    with pytest.raises(Unavailable):
        await store.read("room0")
