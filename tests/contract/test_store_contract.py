"""One suite for every store: what the port promises of rooms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from contract_samples import (
    START_MS,
    STATE,
    Clock,
    after,
    asking,
    created,
    find,
    kept,
    key,
    seated,
    set_state,
    write,
)

from room.documents import Requests, State
from room.errors import RoomNotFound, Unavailable
from room.position import Position
from room.snapshot import Revision, Stored
from store.port import KEEP_ACKS_MS, BaseMoved, Consulted, Store, Write

PassTime = Callable[[int], Awaitable[None]]

MINUTE_MS = 60_000
LONG_AFTER_MS = KEEP_ACKS_MS + 2 * MINUTE_MS
"""Acks may be kept a little longer than promised: they are swept now and then."""


async def test_unknown_room_reads_as_none(store: Store) -> None:
    assert await store.read("nowhere") is None
    assert await store.consult("nowhere", [key("c")]) == Consulted(None, {})


async def test_created_room_stands_at_version_1(store: Store) -> None:
    stored, is_new = await store.create("demo", STATE, START_MS + 1)
    assert is_new
    assert (stored.room, stored.state, stored.ts_ms) == ("demo", STATE, START_MS + 1)
    assert (stored.requests, stored.requests_ts_ms) == (Requests(), START_MS + 1)
    assert stored.revision == Revision(stored.position.epoch, 1, 1)
    assert 0 < stored.position.epoch < 2**53
    assert await store.read("demo") == stored
    assert await store.consult("demo", []) == Consulted(stored, {})


async def test_creating_again_changes_nothing(store: Store) -> None:
    first = await created(store)
    again, is_new = await store.create("demo", State("bob"), START_MS + 9)
    assert not is_new
    assert again == first == await store.read("demo")


async def test_creating_a_room_that_has_moved_on_gives_it_as_it_is(store: Store) -> None:
    moved = await set_state(store, await created(store), "c1")
    assert await store.create("demo", STATE, START_MS + 9) == (moved, False)


async def test_rooms_are_apart_and_their_names_exact(store: Store) -> None:
    rooms = ("demo", "Demo", "demo_", "demo-", "x" * 64, "d", "demo1", "0", "-")
    for room in rooms:
        assert (await store.create(room, State(room), START_MS))[1]
    for room in rooms:
        stored = await store.read(room)
        assert stored is not None
        assert (stored.room, stored.state.owner_id) == (room, room)


async def test_commit_puts_the_room_where_the_write_says(store: Store) -> None:
    stored = await created(store)
    for version in range(2, 6):
        stored = await set_state(store, stored, f"c{version}")
        assert stored.position.version == version
        assert await store.read("demo") == stored


async def test_batch_raises_a_version_by_several_and_keeps_every_ack(store: Store) -> None:
    base = await created(store)
    stored = after(base, seated("a", "b", "c"), steps=3)
    names = ("c1", "c2", "c3", "no-op")
    acks = tuple(kept(name, stored, changed=name != "no-op") for name in names)
    await store.commit(base.revision, Write(stored, acks))
    consulted = await store.consult("demo", [key(name) for name in (*names, "other")])
    assert consulted.stored == stored
    assert consulted.stored.position.version == 4
    assert consulted.receipts == {ack.key: ack.receipt for ack in acks}


async def test_state_and_requests_move_in_one_commit(store: Store) -> None:
    base = await created(store)
    both = after(base, seated("a"), asking("b", "c"))
    await store.commit(base.revision, write(both, "c1"))
    assert await store.read("demo") == both
    assert both.revision == (base.position.epoch, 2, 2)
    receipt = await find(store, "c1")
    assert receipt is not None
    assert receipt.positions == {"requests": both.requests_position}


async def test_requests_alone_leave_the_state_where_it_is(store: Store) -> None:
    base = await created(store)
    stored = after(base, requests=asking("b"))
    await store.commit(base.revision, write(stored, "c1"))
    held = await store.read("demo")
    assert held == stored
    assert held.position == base.position
    later = after(stored, seated("b"))
    await store.commit(stored.revision, write(later, "c2"))
    assert await store.read("demo") == later
    assert later.requests == asking("b")


async def test_base_with_another_requests_version_is_a_conflict(store: Store) -> None:
    base = await created(store)
    stored = after(base, requests=asking("b"))
    await store.commit(base.revision, write(stored, "c1"))
    with pytest.raises(BaseMoved):
        await set_state(store, base, "c2")
    assert await store.read("demo") == stored


async def test_no_op_leaves_the_revision_and_keeps_its_ack(store: Store) -> None:
    base = await created(store)
    asked = write(base, "c1", changed=False)
    await store.commit(base.revision, asked)
    assert await store.read("demo") == base
    assert await find(store, "c1") == asked.acks[0].receipt


async def test_two_no_ops_from_one_base_are_both_accepted(store: Store) -> None:
    base = await created(store)
    await store.commit(base.revision, write(base, "c1", changed=False))
    await store.commit(base.revision, write(base, "c2", changed=False))
    assert await find(store, "c1") is not None
    assert await find(store, "c2") is not None


async def test_write_without_acks_changes_the_room(store: Store) -> None:
    base = await created(store)
    stored = after(base, seated("a"))
    await store.commit(base.revision, Write(stored))
    assert await store.read("demo") == stored
    with pytest.raises(BaseMoved):
        await store.commit(base.revision, Write(stored))


async def test_empty_write_is_still_judged(store: Store) -> None:
    base = await created(store)
    await store.commit(base.revision, Write(base))
    moved = await set_state(store, base, "c1")
    with pytest.raises(BaseMoved):
        await store.commit(base.revision, Write(base))
    assert await store.read("demo") == moved


@pytest.mark.parametrize("changes", [True, False])
@pytest.mark.parametrize(
    "moved_by",
    [
        (e, v, r)
        for e in (-1, 0, 1)
        for v in (-1, 0, 1)
        for r in (-1, 0, 1)
        if (e, v, r) != (0, 0, 0)
    ],
)
async def test_commit_from_any_other_base_is_a_conflict(
    store: Store, moved_by: tuple[int, int, int], changes: bool
) -> None:
    base = await created(store)
    held = after(base, seated("a"), asking("b"))
    await store.commit(base.revision, write(held, "c0"))
    wrong = Revision(*(one + by for one, by in zip(held.revision, moved_by, strict=True)))
    asked = write(after(held, seated("b")) if changes else held, "c1", changed=changes)
    with pytest.raises(BaseMoved) as caught:
        await store.commit(wrong, asked)
    assert caught.value.position == held.position
    assert caught.value.code == "CONFLICT_RETRY"
    assert await store.read("demo") == held
    assert await find(store, "c1") is None


async def test_refused_key_is_free_for_the_next_attempt(store: Store) -> None:
    base = await created(store)
    with pytest.raises(BaseMoved):
        await store.commit(Revision(1, 1, 1), write(after(base, seated("a")), "c1"))
    await set_state(store, base, "c1")
    assert await find(store, "c1") is not None


async def test_commit_to_an_unknown_room_is_refused(store: Store) -> None:
    stored = Stored("nowhere", seated("a"), Position(START_MS, 2), START_MS)
    with pytest.raises(RoomNotFound) as caught:
        await store.commit(Revision(START_MS, 1, 1), write(stored, "c1"))
    assert caught.value.room == "nowhere"
    assert await store.read("nowhere") is None
    assert await find(store, "c1", room="nowhere") is None


async def test_fifty_seats_and_any_unicode_come_back_as_they_went(store: Store) -> None:
    base = await created(store)
    odd = [
        '"',
        "\\",
        "'",
        "\x00",
        "\x01\x1f\x7f",
        "\u2028",
        "\ufeff",
        "\U0010ffff",
        "e\u0301",
        " ",
        "",
    ]
    names = [f"u{n}{odd[n % len(odd)]}" for n in range(50)]
    stored = after(base, seated(*names), asking(*names))
    await store.commit(base.revision, write(stored, *names))
    consulted = await store.consult("demo", [key(name) for name in names])
    assert consulted.stored == stored
    assert consulted.receipts == {ack.key: ack.receipt for ack in write(stored, *names).acks}


@pytest.mark.parametrize("number", [0, -1, 2**53 - 1])
async def test_numbers_come_back_exactly(store: Store, number: int) -> None:
    base = await created(store)
    stored = msgspec.structs.replace(
        after(base, seated("a"), asking("b")), ts_ms=number, requests_ts_ms=number
    )
    ack = kept("c1", stored)
    receipt = msgspec.structs.replace(ack.receipt, result={"number": number, "third": 1 / 3})
    await store.commit(
        base.revision, Write(stored, (msgspec.structs.replace(ack, receipt=receipt),))
    )
    assert await store.consult("demo", [ack.key]) == Consulted(stored, {ack.key: receipt})


async def test_epoch_does_not_follow_the_clock_while_the_store_is_open(
    store: Store, clock: Clock
) -> None:
    stored = await created(store)
    for now_ms in (START_MS - 10**9, START_MS + 10**9):
        clock.now_ms = now_ms
        stored = await set_state(store, stored, f"at{now_ms}")
        assert await store.read("demo") == stored
    other = await created(store, "other")
    assert other.position.epoch == stored.position.epoch


async def test_closed_store_is_unavailable(store: Store) -> None:
    base = await created(store)
    await store.close()
    with pytest.raises(Unavailable):
        await store.read("demo")
    with pytest.raises(Unavailable):
        await store.consult("demo", [])
    with pytest.raises(Unavailable):
        await store.create("demo", STATE, START_MS)
    with pytest.raises(Unavailable):
        await store.commit(base.revision, Write(base))
    with pytest.raises(Unavailable):
        await store.read_document("demo", "x-score")
    with pytest.raises(Unavailable):
        await store.put_document("demo", "x-score", b"{}", b"", START_MS)


async def test_second_close_does_nothing(store: Store) -> None:
    await store.close()
    await store.close()
