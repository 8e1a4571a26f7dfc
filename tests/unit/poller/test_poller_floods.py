"""What a flood of requests costs this node, and those who do not take part in it."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from poller_samples import Bench, Clock, edition, stored

from poller import Freshness
from poller.cache import Cache
from poller.segments import SETTLED_S
from room.errors import RoomNotFound, SeatsyncError
from room.snapshot import Edition

RANDOM_IDS = 200_000
COLD_ROOMS = 5_000
CROWD = 10_000
MAX_MISSING = 1_000
BYTES_EACH = 1_024
"""Far more than an id that is missing takes."""


async def ask_for_none(bench: Bench, number: int) -> None:
    with pytest.raises(RoomNotFound):
        await bench.poller.find(f"random{number}")


@contextmanager
def growing_by_at_most(most_bytes: int) -> Iterator[None]:
    """What is done inside leaves no more than this behind."""
    tracemalloc.start()
    try:
        yield
        gc.collect()
        grown_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown_bytes < most_bytes


async def test_random_ids_raise_memory_by_no_more_than_the_bound() -> None:
    bench = Bench(max_held=100, max_missing=MAX_MISSING)
    with growing_by_at_most(MAX_MISSING * BYTES_EACH):
        for number in range(10 * MAX_MISSING):
            await ask_for_none(bench, number)
    assert len(bench.poller._cache._missing) <= MAX_MISSING
    assert len(bench.poller._flights) == 0


def test_200000_ids_that_are_missing_take_no_more_than_those_of_a_moment() -> None:
    clock = Clock()
    cache: Cache[Edition] = Cache(clock, 100, MAX_MISSING)
    with growing_by_at_most(MAX_MISSING * BYTES_EACH):
        for number in range(RANDOM_IDS):
            clock.now_s += 1e-5
            cache.put_missing(f"random{number}")
    assert len(cache._missing) <= MAX_MISSING
    assert cache.is_missing(f"random{RANDOM_IDS - 1}")


async def test_cold_rooms_push_out_no_room_that_is_asked_for_again_and_again() -> None:
    bench = Bench(max_held=100)
    hot = [f"hot{number}" for number in range(50)]
    for room in hot:
        bench.poller.put(edition(room=room))
    bench.clock.now_s += SETTLED_S
    hits = 0
    for number in range(COLD_ROOMS):
        bench.poller.put(edition(room=f"cold{number}"))
        hits += bench.poller.find_now(hot[number % len(hot)]) is not None
    assert hits == COLD_ROOMS
    assert len(bench.poller._cache._held) == 100


async def test_cold_rooms_push_out_no_room_that_is_followed() -> None:
    bench = Bench(max_held=100, is_kept=lambda room: room == "followed")
    bench.poller.put(edition(room="followed"))
    for number in range(1_000):
        bench.poller.put(edition(room=f"cold{number}"))
    assert bench.poller.held("followed") is not None


async def test_10000_cold_polls_of_one_room_are_one_read(bench: Bench) -> None:
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    assert bench.poller.find_now("demo") is None
    polls = [asyncio.create_task(bench.poller.find("demo")) for _ in range(CROWD)]
    await bench.settle()
    gate.set()
    found = await asyncio.gather(*polls)
    assert bench.shelf.reads == bench.poller.reads == 1
    assert len({id(one.edition) for one in found}) == 1
    assert sum(one.freshness is Freshness.MISS for one in found) == 1


async def test_cold_rooms_beyond_the_bound_are_refused_and_joined_reads_are_not() -> None:
    bench = Bench(max_reads=3)
    gate = bench.shelf.close_gate()
    for number in range(4):
        bench.shelf.rooms[f"r{number}"] = stored(1, f"r{number}")
    reads = [asyncio.create_task(bench.poller.find(f"r{number}")) for number in range(3)]
    await bench.settle()
    joined = asyncio.create_task(bench.poller.find("r0"))
    for _ in range(2):
        with pytest.raises(SeatsyncError) as refused:
            await bench.poller.find("r3")
        assert (refused.value.code, refused.value.travel.retryable) == ("OVERLOADED", True)
    gate.set()
    await asyncio.gather(*reads, joined)
    assert (await bench.poller.find("r3")).freshness is Freshness.MISS
    assert bench.shelf.reads == 4


async def test_beyond_the_bound_what_is_held_is_answered_with_and_read_later() -> None:
    bench = Bench(max_reads=1)
    for room in ("stale", "old"):
        bench.poller.put(edition(1, room))
    gate = bench.shelf.close_gate()
    cold = asyncio.create_task(bench.poller.find("cold"))
    await bench.settle()
    bench.clock.now_s += 2
    assert (await bench.poller.find("stale")).freshness is Freshness.STALE
    bench.clock.now_s += 60
    assert (await bench.poller.find("old")).freshness is Freshness.STALE
    assert bench.shelf.reads == 1
    gate.set()
    with pytest.raises(RoomNotFound):
        await cold
    bench.shelf.rooms["old"] = stored(2, "old")
    assert (await bench.poller.find("old")).edition.position.version == 2


async def test_fresh_answer_and_a_stale_one_need_no_coroutine(bench: Bench) -> None:
    bench.shelf.rooms["demo"] = stored(4)
    bench.poller.put(edition(3))
    found = bench.poller.find_now("demo")
    assert found is not None
    assert found.freshness is Freshness.HIT
    bench.clock.now_s += 2
    found = bench.poller.find_now("demo")
    assert found is not None
    assert (found.freshness, found.edition.position.version) == (Freshness.STALE, 3)
    await bench.settle()
    found = bench.poller.find_now("demo")
    assert found is not None
    assert (found.freshness, found.edition.position.version) == (Freshness.HIT, 4)
    assert bench.shelf.reads == 1
    bench.clock.now_s += 60
    assert bench.poller.find_now("demo") is None


async def test_what_is_known_to_be_missing_needs_no_coroutine(bench: Bench) -> None:
    with pytest.raises(RoomNotFound):
        await bench.poller.find("demo")
    with pytest.raises(RoomNotFound):
        bench.poller.find_now("demo")
    assert bench.shelf.reads == 1
