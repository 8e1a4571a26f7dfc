"""One suite for every store: what the port promises of the acks of commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from contract_samples import (
    START_MS,
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

from store.port import KEEP_ACKS_MS, AlreadyKept, Store, Write

PassTime = Callable[[int], Awaitable[None]]

MINUTE_MS = 60_000
LONG_AFTER_MS = KEEP_ACKS_MS + 2 * MINUTE_MS
"""Acks may be kept a little longer than promised: they are swept now and then."""


async def test_receipt_is_found_again_as_it_was(store: Store) -> None:
    base = await created(store)
    stored = after(base, seated("a"), asking("b"))
    asked = write(stored, "c1")
    await store.commit(base.revision, asked)
    assert await find(store, "c1") == asked.acks[0].receipt
    await set_state(store, stored, "c2")
    assert await find(store, "c1") == asked.acks[0].receipt


async def test_receipt_belongs_to_its_room_actor_and_command(store: Store) -> None:
    base = await created(store)
    await created(store, "other")
    await set_state(store, base, "c1")
    assert await find(store, "c1", room="other") is None
    assert await find(store, "c1", actor_id="bob") is None
    assert await find(store, "C1") is None


async def test_parts_of_a_key_do_not_run_together(store: Store) -> None:
    base = await created(store)
    stored = after(base, seated("a"))
    await store.commit(base.revision, Write(stored, (kept("b:c", stored, actor_id="a"),)))
    assert await find(store, "c", actor_id="a:b") is None
    assert await find(store, "", actor_id="a:b:c") is None
    assert await find(store, "b:c", actor_id="a") is not None


async def test_same_name_of_another_actor_or_room_is_another_command(store: Store) -> None:
    base = await created(store)
    other = await created(store, "other")
    stored = await set_state(store, base, "c1")
    of_bob = after(stored, seated("b"))
    await store.commit(stored.revision, Write(of_bob, (kept("c1", of_bob, actor_id="bob"),)))
    await set_state(store, other, "c1")
    assert await store.read("demo") == of_bob


async def test_resend_gets_the_first_receipt_and_writes_nothing(store: Store) -> None:
    base = await created(store)
    first = await set_state(store, base, "c1")
    receipt = await find(store, "c1")
    second = await set_state(store, first, "c2")
    for stale in (base, first, second):
        with pytest.raises(AlreadyKept) as caught:
            await set_state(store, stale, "c1", "someone else")
        assert caught.value.receipts == {key("c1"): receipt}
    assert await store.read("demo") == second


async def test_batch_with_one_resend_is_refused_whole(store: Store) -> None:
    base = await created(store)
    first = await set_state(store, base, "c1")
    receipt = await find(store, "c1")
    with pytest.raises(AlreadyKept) as caught:
        await store.commit(first.revision, write(after(first, seated("z")), "c0", "c1", "c2"))
    assert caught.value.receipts == {key("c1"): receipt}
    assert await store.read("demo") == first
    assert await find(store, "c0") is None
    assert await find(store, "c2") is None


async def test_batch_of_resends_names_all_of_them(store: Store) -> None:
    base = await created(store)
    stored = after(base, seated("a"), steps=2)
    asked = write(stored, "c1", "c2")
    await store.commit(base.revision, asked)
    with pytest.raises(AlreadyKept) as caught:
        await store.commit(stored.revision, write(after(stored, seated("b")), "c2", "c3", "c1"))
    assert caught.value.receipts == {ack.key: ack.receipt for ack in asked.acks}


async def test_resend_of_a_no_op_gets_its_first_receipt(store: Store) -> None:
    base = await created(store)
    await store.commit(base.revision, write(base, "c1", changed=False))
    receipt = await find(store, "c1")
    with pytest.raises(AlreadyKept) as caught:
        await set_state(store, base, "c1")
    assert caught.value.receipts == {key("c1"): receipt}
    assert await store.read("demo") == base


async def test_ack_is_kept_for_ten_minutes(store: Store, pass_time: PassTime) -> None:
    base = await created(store)
    stored = await set_state(store, base, "c1")
    receipt = await find(store, "c1")
    for minute in range(1, 10):
        await pass_time(MINUTE_MS)
        await store.commit(stored.revision, write(stored, f"at{minute}", changed=False))
        assert await find(store, "c1") == receipt
    with pytest.raises(AlreadyKept):
        await set_state(store, stored, "c1", "b")


async def test_ack_is_there_to_the_last_moment(store: Store, clock: Clock) -> None:
    stored = await set_state(store, await created(store), "c1")
    clock.now_ms += KEEP_ACKS_MS
    assert await find(store, "c1") is not None
    with pytest.raises(AlreadyKept):
        await set_state(store, stored, "c1", "b")


async def test_ack_is_forgotten_afterwards(store: Store, pass_time: PassTime) -> None:
    base = await created(store)
    await store.commit(base.revision, write(base, "c1", changed=False))
    await pass_time(MINUTE_MS)
    await store.commit(base.revision, write(base, "c2", changed=False))
    await pass_time(KEEP_ACKS_MS - 2 * MINUTE_MS)
    await store.commit(base.revision, write(base, "sweeps", changed=False))
    await pass_time(LONG_AFTER_MS - KEEP_ACKS_MS + MINUTE_MS)
    await store.commit(base.revision, write(base, "sweeps too", changed=False))
    for name in ("c1", "c2"):
        assert await find(store, name) is None
    assert await find(store, "sweeps") is not None
    again = await set_state(store, base, "c1")
    assert again.position.version == base.position.version + 1
    assert await find(store, "c1") is not None


async def test_ack_outlives_a_clock_that_goes_back(store: Store, clock: Clock) -> None:
    base = await created(store)
    clock.now_ms = START_MS - 86_400_000
    await store.commit(base.revision, write(base, "c1", changed=False))
    clock.now_ms += KEEP_ACKS_MS
    await store.commit(base.revision, write(base, "c2", changed=False))
    assert await find(store, "c1") is not None
