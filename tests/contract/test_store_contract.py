"""One suite for every store: what the port promises, whoever stands behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from room.documents import Participation, Person, Seat, Session, State
from room.errors import RoomNotFound
from room.position import Position
from store.memory import MemoryStore
from store.port import (
    KEEP_ACKS_MS,
    AlreadyKept,
    BaseMoved,
    CommandKey,
    Receipt,
    Store,
    Write,
)
from store.sqlite import SqliteStore

START_MS = 1_732_146_400_123
STATE = State("alice")
LONG_AFTER_MS = KEEP_ACKS_MS + 2 * 60_000
"""Acks may be kept a little longer than promised: they are swept now and then."""


class Clock:
    """Wall clock that the test turns."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> AsyncIterator[Store]:
    openers: dict[str, Callable[[], Store]] = {
        "memory": lambda: MemoryStore(clock),
        "sqlite": lambda: SqliteStore.open(tmp_path / "rooms.db", clock),
    }
    opened = openers[request.param]()
    yield opened
    await opened.close()


def seated(name: str) -> State:
    """A state that differs from every other name's."""
    stay = Participation(f"p_{name}", Person(name, f"{name} \u00e9\U0001f600", ""), START_MS)
    return State("alice", session=Session("s", "voice", 1), seats=(Seat(), Seat(occupant=stay)))


def write(name: str, state: State | None = None, actor_id: str = "alice") -> Write:
    """A command called ``name`` that sets a state, or is a no-op."""
    receipt = Receipt(f"content of {name}".encode(), state is not None, {"name": name, "n": [1]})
    return Write(START_MS + 5, CommandKey(actor_id, name), receipt, state)


async def test_unknown_room_reads_as_none(store: Store) -> None:
    assert await store.read("nowhere") is None
    assert await store.recall("nowhere", CommandKey("alice", "c")) is None


async def test_created_room_stands_at_version_1(store: Store) -> None:
    stored, created = await store.create("demo", STATE, START_MS + 1)
    assert created
    assert (stored.room, stored.state, stored.ts_ms) == ("demo", STATE, START_MS + 1)
    assert stored.position == Position(START_MS, 1)
    assert await store.read("demo") == stored


async def test_creating_again_changes_nothing(store: Store) -> None:
    first, _ = await store.create("demo", STATE, START_MS)
    again, created = await store.create("demo", State("bob"), START_MS + 9)
    assert not created
    assert again == first == await store.read("demo")


async def test_creating_a_room_that_has_moved_on_gives_it_as_it_is(store: Store) -> None:
    first, _ = await store.create("demo", STATE, START_MS)
    moved = await store.commit("demo", first.position, write("c1", seated("a")))
    assert await store.create("demo", STATE, START_MS + 9) == (moved.stored, False)


async def test_rooms_are_apart_and_their_names_exact(store: Store) -> None:
    for room in ("demo", "Demo", "demo_", "demo-", "x" * 64):
        assert (await store.create(room, State(room), START_MS))[1]
    for room in ("demo", "Demo", "demo_", "demo-", "x" * 64):
        stored = await store.read(room)
        assert stored is not None
        assert stored.state.owner_id == room


async def test_commit_raises_the_version_by_one(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    for version in range(2, 6):
        committed = await store.commit(
            "demo", stored.position, write(f"c{version}", seated(f"u{version}"))
        )
        stored = committed.stored
        assert stored.position == Position(START_MS, version)
        assert stored.state == seated(f"u{version}")
        assert stored.ts_ms == START_MS + 5
        assert committed.receipt.position == stored.position
        assert await store.read("demo") == stored


async def test_no_op_keeps_version_state_and_time_and_still_an_ack(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    committed = await store.commit("demo", stored.position, write("c1"))
    assert committed.stored == stored == await store.read("demo")
    assert committed.receipt.position == stored.position
    assert not committed.receipt.changed
    assert await store.recall("demo", CommandKey("alice", "c1")) == committed.receipt


async def test_receipt_is_found_again_as_it_was(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    committed = await store.commit("demo", stored.position, write("c1", seated("a")))
    kept = await store.recall("demo", CommandKey("alice", "c1"))
    assert kept == committed.receipt
    assert kept == Receipt(b"content of c1", True, {"name": "c1", "n": [1]}, Position(START_MS, 2))


async def test_receipt_belongs_to_its_room_actor_and_command(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    await store.create("other", STATE, START_MS)
    await store.commit("demo", stored.position, write("c1", seated("a")))
    assert await store.recall("other", CommandKey("alice", "c1")) is None
    assert await store.recall("demo", CommandKey("bob", "c1")) is None
    assert await store.recall("demo", CommandKey("alice", "C1")) is None


async def test_same_key_of_another_actor_or_room_is_another_command(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    other, _ = await store.create("other", STATE, START_MS)
    first = await store.commit("demo", stored.position, write("c1", seated("a")))
    await store.commit("demo", first.stored.position, write("c1", seated("b"), actor_id="bob"))
    await store.commit("other", other.position, write("c1", seated("a")))


async def test_resend_gets_the_first_receipt_and_writes_nothing(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    first = await store.commit("demo", stored.position, write("c1", seated("a")))
    second = await store.commit("demo", first.stored.position, write("c2", seated("b")))
    for base in (stored.position, second.stored.position):
        with pytest.raises(AlreadyKept) as caught:
            await store.commit("demo", base, write("c1", seated("c")))
        assert caught.value.receipt == first.receipt
    assert await store.read("demo") == second.stored


async def test_resend_of_a_no_op_gets_its_first_receipt(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    first = await store.commit("demo", stored.position, write("c1"))
    with pytest.raises(AlreadyKept) as caught:
        await store.commit("demo", stored.position, write("c1", seated("a")))
    assert caught.value.receipt == first.receipt
    assert await store.read("demo") == stored


@pytest.mark.parametrize("epoch_by", [-1, 0, 1])
@pytest.mark.parametrize("version_by", [-1, 0, 1])
@pytest.mark.parametrize("changes", [True, False])
async def test_commit_from_any_other_base_is_a_conflict(
    store: Store, epoch_by: int, version_by: int, changes: bool
) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    held = (await store.commit("demo", stored.position, write("c0", seated("a")))).stored
    base = Position(held.position.epoch + epoch_by, held.position.version + version_by)
    asked = write("c1", seated("b") if changes else None)
    if base == held.position:
        await store.commit("demo", base, asked)
        return
    with pytest.raises(BaseMoved) as caught:
        await store.commit("demo", base, asked)
    assert caught.value.position == held.position
    assert caught.value.code == "CONFLICT_RETRY"
    assert await store.read("demo") == held
    assert await store.recall("demo", CommandKey("alice", "c1")) is None


async def test_refused_key_is_free_for_the_next_attempt(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    with pytest.raises(BaseMoved):
        await store.commit("demo", Position(1, 1), write("c1", seated("a")))
    assert (await store.commit("demo", stored.position, write("c1", seated("a")))).receipt.changed


async def test_commit_to_an_unknown_room_is_refused(store: Store) -> None:
    with pytest.raises(RoomNotFound) as caught:
        await store.commit("nowhere", Position(START_MS, 1), write("c1", seated("a")))
    assert caught.value.room == "nowhere"
    assert await store.read("nowhere") is None
    assert await store.recall("nowhere", CommandKey("alice", "c1")) is None


async def test_ack_is_kept_for_ten_minutes(store: Store, clock: Clock) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    first = await store.commit("demo", stored.position, write("c1", seated("a")))
    base = first.stored.position
    for minute in range(1, 11):
        clock.now_ms = START_MS + minute * 60_000
        base = (await store.commit("demo", base, write(f"at{minute}"))).stored.position
        assert await store.recall("demo", CommandKey("alice", "c1")) == first.receipt
    with pytest.raises(AlreadyKept):
        await store.commit("demo", base, write("c1", seated("b")))


async def test_ack_is_forgotten_afterwards(store: Store, clock: Clock) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    base = (await store.commit("demo", stored.position, write("c1"))).stored.position
    clock.now_ms += 60_000
    await store.commit("demo", base, write("c2"))
    clock.now_ms = START_MS + KEEP_ACKS_MS + 59_000
    await store.commit("demo", base, write("sweeps"))
    clock.now_ms = START_MS + LONG_AFTER_MS
    await store.commit("demo", base, write("sweeps too"))
    for name in ("c1", "c2"):
        assert await store.recall("demo", CommandKey("alice", name)) is None
    assert await store.recall("demo", CommandKey("alice", "sweeps")) is not None
    again = await store.commit("demo", base, write("c1", seated("a")))
    assert again.stored.position.version == base.version + 1


async def test_ack_outlives_a_clock_that_goes_back(store: Store, clock: Clock) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    clock.now_ms = START_MS - 86_400_000
    await store.commit("demo", stored.position, write("c1"))
    clock.now_ms += KEEP_ACKS_MS
    await store.commit("demo", stored.position, write("c2"))
    assert await store.recall("demo", CommandKey("alice", "c1")) is not None


async def test_epoch_does_not_follow_the_clock_while_the_store_is_open(
    store: Store, clock: Clock
) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    for now_ms in (START_MS - 10**9, START_MS + 10**9):
        clock.now_ms = now_ms
        stored = (
            await store.commit("demo", stored.position, write(f"at{now_ms}", seated(f"u{now_ms}")))
        ).stored
        assert stored.position.epoch == START_MS
    assert stored.position.version == 3


async def test_of_fifty_commits_from_one_base_exactly_one_wins(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    outcomes = await asyncio.gather(
        *(
            store.commit("demo", stored.position, write(f"c{n}", seated(f"u{n}")))
            for n in range(50)
        ),
        return_exceptions=True,
    )
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(won) == 1
    assert len(lost) == 49
    for error in lost:
        assert isinstance(error, BaseMoved)
        assert error.position == Position(START_MS, 2)
    assert await store.read("demo") == won[0].stored
    kept = [await store.recall("demo", CommandKey("alice", f"c{n}")) for n in range(50)]
    assert [receipt for receipt in kept if receipt is not None] == [won[0].receipt]


async def test_of_fifty_sends_of_one_command_exactly_one_is_applied(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    outcomes = await asyncio.gather(
        *(store.commit("demo", stored.position, write("c1", seated(f"u{n}"))) for n in range(50)),
        return_exceptions=True,
    )
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(won) == 1
    for outcome in outcomes:
        if outcome is not won[0]:
            assert isinstance(outcome, AlreadyKept)
            assert outcome.receipt == won[0].receipt


async def test_fifty_writers_who_read_again_all_get_through_in_some_order(store: Store) -> None:
    await store.create("demo", STATE, START_MS)

    async def persist(number: int) -> int:
        while True:
            held = await store.read("demo")
            assert held is not None
            try:
                committed = await store.commit(
                    "demo", held.position, write(f"c{number}", seated(f"u{number}"))
                )
            except BaseMoved:
                continue
            return committed.stored.position.version

    versions = await asyncio.gather(*(persist(number) for number in range(50)))
    assert sorted(versions) == list(range(2, 52))


async def test_of_fifty_creations_exactly_one_creates(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(store.create("demo", State(f"owner{n}"), START_MS + n) for n in range(50))
    )
    assert [created for _, created in outcomes].count(True) == 1
    assert len({stored.state.owner_id for stored, _ in outcomes}) == 1


async def test_cancelled_commit_leaves_a_store_that_works(store: Store) -> None:
    stored, _ = await store.create("demo", STATE, START_MS)
    task = asyncio.ensure_future(store.commit("demo", stored.position, write("c1", seated("a"))))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    other, _ = await store.create("other", STATE, START_MS)
    await store.commit("other", other.position, write("c2", seated("b")))
    held = await store.read("demo")
    kept = await store.recall("demo", CommandKey("alice", "c1"))
    assert held is not None
    assert (kept is not None) is (held.position.version == 2)
