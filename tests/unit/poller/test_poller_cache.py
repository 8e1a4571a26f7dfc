from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from poller_samples import EPOCH, Bench, Clock, edition, stored

from poller.cache import MISSING_S, Cache
from room.errors import RoomNotFound
from room.position import Position

RANDOM_IDS = 50_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> Cache:
    return Cache(clock, max_held=3, max_missing=100)


def test_held_edition_is_given_back_with_its_age(cache: Cache, clock: Clock) -> None:
    held = cache.put(edition(1))
    clock.now_s += 2.5
    cached = cache.get("demo")
    assert cached is not None
    assert cached.edition is held
    assert cache.age_s(cached) == 2.5


def test_unknown_room_is_neither_held_nor_missing(cache: Cache) -> None:
    assert cache.get("demo") is None
    assert not cache.is_missing("demo")


def test_older_edition_leaves_the_newer_and_confirms_it(cache: Cache, clock: Clock) -> None:
    newer = cache.put(edition(7))
    clock.now_s += 10
    assert cache.put(edition(6)) is newer
    cached = cache.get("demo")
    assert cached is not None
    assert cached.edition is newer
    assert cache.age_s(cached) == 0


def test_equal_edition_keeps_the_one_whose_bytes_are_there(cache: Cache) -> None:
    first = cache.put(edition(7))
    assert cache.put(edition(7)) is first


def test_newer_epoch_replaces_a_higher_version(cache: Cache) -> None:
    cache.put(edition(900))
    raised = edition(1, epoch=EPOCH + 1)
    assert cache.put(raised) is raised


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_held_position_is_the_highest_of_all_that_came(arrivals: list[tuple[int, int]]) -> None:
    cache = Cache(Clock(), 3, 3)
    for count, (epoch, version) in enumerate(arrivals, 1):
        held = cache.put(edition(version, epoch=epoch))
        assert held.position == max(Position(*arrival) for arrival in arrivals[:count])


def test_least_recently_asked_room_leaves_first(cache: Cache) -> None:
    for room in ("a", "b", "c"):
        cache.put(edition(room=room))
    cache.get("a")
    cache.put(edition(room="d"))
    assert {room for room in "abcd" if cache.get(room)} == {"a", "c", "d"}


def test_missing_room_is_believed_for_a_moment(cache: Cache, clock: Clock) -> None:
    cache.put_missing("demo")
    clock.now_s += MISSING_S * 0.99
    assert cache.is_missing("demo")
    clock.now_s += MISSING_S * 0.02
    assert not cache.is_missing("demo")


def test_room_that_comes_into_being_is_missing_no_more(cache: Cache) -> None:
    cache.put_missing("demo")
    cache.put(edition())
    assert not cache.is_missing("demo")


def test_room_that_is_held_is_not_taken_as_missing(cache: Cache) -> None:
    cache.put(edition())
    cache.put_missing("demo")
    assert not cache.is_missing("demo")


async def test_random_ids_stay_within_the_bound_and_push_out_no_room() -> None:
    bench = Bench(max_held=100, max_missing=1000)
    hot = [f"hot{number}" for number in range(100)]
    for room in hot:
        bench.poller.put(edition(room=room))
    for number in range(RANDOM_IDS):
        with pytest.raises(RoomNotFound):
            await bench.poller.find(f"random{number}")
    cache = bench.poller._cache
    assert len(cache._missing) <= 1000
    assert len(cache._held) == 100
    reads = bench.shelf.reads
    for room in hot:
        await bench.poller.find(room)
    assert bench.shelf.reads == reads == RANDOM_IDS


async def test_flood_of_existing_rooms_stays_within_the_bound() -> None:
    bench = Bench(max_held=50, max_missing=10)
    for number in range(500):
        bench.poller.put(edition(room=f"room{number}"))
    assert len(bench.poller._cache._held) == 50


async def test_absence_that_somebody_has_ended_is_believed_no_longer() -> None:
    bench = Bench()
    with pytest.raises(RoomNotFound):
        await bench.poller.find("demo")
    bench.shelf.rooms["demo"] = stored(1)
    with pytest.raises(RoomNotFound):
        await bench.poller.find("demo")
    bench.poller.forget_missing("demo")
    assert (await bench.poller.find("demo")).edition.position.version == 1
    bench.poller.forget_missing("nowhere")
