"""A reply that is lost leaves a command known by its key, and none is taken for another's."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from redis_kit import Proxy, opened, soon, when_available

from room.errors import Unavailable
from room.snapshot import Stored
from store.port import AlreadyKept, Store
from tests.contract.contract_samples import after, created, find, key, put, seated, set_state, write

pytestmark = pytest.mark.redis

ROUNDS = 20


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "silent"])
async def test_commit_whose_reply_is_lost_is_unavailable_and_found_by_its_key(
    proxy: Proxy, cut: bool
) -> None:
    async with opened(proxy.url) as backend:
        store = backend.store
        base = await set_state(store, await created(store), "the script is known now")
        stored = after(base, seated("a"))
        proxy.swallow_next_reply(cut=cut)
        with pytest.raises(Unavailable):
            await soon(store.commit(base.revision, write(stored, "c1")))
        assert proxy.swallowed.is_set()
        assert await when_available(lambda: store.read("demo")) == stored
        with pytest.raises(AlreadyKept) as caught:
            await store.commit(base.revision, write(stored, "c1"))
        assert caught.value.receipts == {key("c1"): await find(store, "c1")}
        assert await store.read("demo") == stored


async def test_put_whose_reply_is_lost_is_not_sent_again(proxy: Proxy) -> None:
    async with opened(proxy.url) as backend:
        await created(backend.store)
        await put(backend.store, "the script is known now", doc="x-other")
        proxy.swallow_next_reply(cut=True)
        with pytest.raises(Unavailable):
            await soon(put(backend.store, "once"))
        held = await when_available(lambda: backend.store.read_document("demo", "x-score"))
        assert held is not None
        assert held.position.version == 1


async def test_every_commit_of_a_broken_exchange_is_unavailable_and_none_is_sent_twice(
    proxy: Proxy,
) -> None:
    async with opened(proxy.url) as backend:
        store = backend.store
        rooms = [await created(store, f"room{n}") for n in range(ROUNDS)]
        await set_state(store, await created(store), "the script is known now")
        proxy.swallow_next_reply(cut=True)
        outcomes = await soon(
            asyncio.gather(*(_commit(store, room) for room in rooms), return_exceptions=True)
        )
        assert any(isinstance(outcome, Unavailable) for outcome in outcomes)
        for room, outcome in zip(rooms, outcomes, strict=True):
            assert outcome is None or isinstance(outcome, Unavailable)
            consulted = await when_available(partial(store.consult, room.room, [key("c1")]))
            assert consulted.stored is not None
            step = consulted.stored.position.version - room.position.version
            assert step == len(consulted.receipts) <= 1
            assert outcome is not None or step == 1


async def test_reply_of_a_cancelled_command_is_never_taken_for_anothers(proxy: Proxy) -> None:
    async with opened(proxy.url) as backend:
        store = backend.store
        rooms = [await created(store, f"room{n}") for n in range(ROUNDS)]
        for number in range(ROUNDS):
            proxy.hold_replies()
            given_up = asyncio.ensure_future(store.read(rooms[number - 1].room))
            for _ in range(number % 7):  # before it is sent, while it is under way
                await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)
            wanted = asyncio.ensure_future(store.read(rooms[number].room))
            await asyncio.sleep(0)
            proxy.release_replies()
            assert await soon(wanted) == rooms[number]


async def test_connection_that_was_closed_while_idle_costs_no_command(proxy: Proxy) -> None:
    async with opened(proxy.url) as backend:
        base = await created(backend.store)
        for _ in range(ROUNDS):
            proxy.cut()
            await asyncio.sleep(0.01)  # the end of a connection arrives by the kernel
            assert await backend.store.read("demo") == base


async def _commit(store: Store, base: Stored) -> None:
    await store.commit(base.revision, write(after(base, seated("a")), "c1"))
