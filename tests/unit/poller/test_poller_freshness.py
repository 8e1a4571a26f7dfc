from __future__ import annotations

import asyncio

import pytest
from poller_samples import EPOCH, Bench, edition, stored

from poller import Freshness, poller
from poller.cache import FRESH_S, MISSING_S, STALE_S
from poller.poller import HOLD_OFF_S
from room.errors import RoomNotFound, Unavailable, Unreadable
from room.position import LARGEST, Position
from room.snapshot import Edition


async def test_first_poll_misses_and_second_hits(bench: Bench) -> None:
    bench.shelf.rooms["demo"] = stored(3)
    first = await bench.poller.find("demo")
    second = await bench.poller.find("demo")
    assert (first.freshness, second.freshness) == (Freshness.MISS, Freshness.HIT)
    assert first.edition is second.edition
    assert bench.shelf.reads == bench.poller.reads == 1


@pytest.mark.parametrize("age_s", [0.0, FRESH_S / 2, FRESH_S])
async def test_fresh_answer_asks_nobody(bench: Bench, age_s: float) -> None:
    bench.poller.put(edition(3))
    bench.clock.now_s += age_s
    found = await bench.poller.find("demo")
    assert (found.freshness, found.age_s) == (Freshness.HIT, age_s)
    await bench.settle()
    assert bench.shelf.reads == 0


@pytest.mark.parametrize("age_s", [FRESH_S + 0.5, FRESH_S + STALE_S])
async def test_stale_answer_comes_at_once_with_one_read_behind_it(
    bench: Bench, age_s: float
) -> None:
    bench.poller.put(edition(3))
    bench.shelf.rooms["demo"] = stored(4)
    bench.clock.now_s += age_s
    for _ in range(3):
        found = await bench.poller.find("demo")
        assert (found.freshness, found.age_s) == (Freshness.STALE, age_s)
        assert found.edition.position.version == 3
    await bench.settle()
    found = await bench.poller.find("demo")
    assert (found.freshness, found.edition.position.version) == (Freshness.HIT, 4)
    assert bench.shelf.reads == 1


async def test_too_old_an_answer_waits_for_the_store(bench: Bench) -> None:
    bench.poller.put(edition(3))
    bench.shelf.rooms["demo"] = stored(4)
    bench.clock.now_s += FRESH_S + STALE_S + 0.5
    found = await bench.poller.find("demo")
    assert (found.freshness, found.edition.position.version) == (Freshness.MISS, 4)


async def test_who_joins_a_read_is_collapsed(bench: Bench) -> None:
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    polls = [asyncio.create_task(bench.poller.find("demo")) for _ in range(3)]
    await bench.settle()
    gate.set()
    found = await asyncio.gather(*polls)
    assert [one.freshness for one in found] == [
        Freshness.MISS,
        Freshness.COLLAPSED,
        Freshness.COLLAPSED,
    ]


async def test_store_away_answers_from_memory(bench: Bench) -> None:
    bench.poller.put(edition(3))
    bench.shelf.is_away = True
    bench.clock.now_s += 60
    found = await bench.poller.find("demo")
    assert (found.freshness, found.age_s) == (Freshness.STALE, 60)
    assert found.edition.position.version == 3


async def test_store_away_and_nothing_held_is_unavailable(bench: Bench) -> None:
    bench.shelf.is_away = True
    with pytest.raises(Unavailable):
        await bench.poller.find("demo")


async def test_failed_read_leaves_the_store_alone_for_a_while(bench: Bench) -> None:
    bench.poller.put(edition(3))
    bench.shelf.is_away = True
    bench.clock.now_s += 60
    for _ in range(5):
        assert (await bench.poller.find("demo")).freshness is Freshness.STALE
        with pytest.raises(Unavailable):
            await bench.poller.find("another")
    assert bench.shelf.reads == 1
    bench.shelf.is_away = False
    bench.shelf.rooms["demo"] = stored(4)
    bench.clock.now_s += HOLD_OFF_S
    assert (await bench.poller.find("demo")).edition.position.version == 4
    assert bench.shelf.reads == 2


async def test_failed_read_in_the_background_keeps_the_stale_answer(bench: Bench) -> None:
    bench.poller.put(edition(3))
    bench.shelf.is_away = True
    bench.clock.now_s += 2
    await bench.poller.find("demo")
    await bench.settle()
    bench.clock.now_s += 0.5
    found = await bench.poller.find("demo")
    assert (found.freshness, found.age_s) == (Freshness.STALE, 2.5)
    await bench.settle()
    assert bench.shelf.reads == 1


async def test_read_without_an_answer_counts_as_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "READ_DEADLINE_S", 0.0)
    bench.shelf.close_gate()
    with pytest.raises(Unavailable):
        await bench.poller.find("demo")
    with pytest.raises(Unavailable):
        await bench.poller.find("demo")
    assert bench.shelf.reads == 1


async def test_missing_room_is_asked_for_once_in_a_while(bench: Bench) -> None:
    for _ in range(5):
        with pytest.raises(RoomNotFound):
            await bench.poller.find("demo")
    assert bench.shelf.reads == 1
    bench.clock.now_s += MISSING_S
    with pytest.raises(RoomNotFound):
        await bench.poller.find("demo")
    assert bench.shelf.reads == 2


async def test_position_ahead_of_this_node_reads_the_store_once(bench: Bench) -> None:
    bench.poller.put(edition(3))
    bench.shelf.rooms["demo"] = stored(5)
    ahead = Position(EPOCH, 4)
    polls = [asyncio.create_task(bench.poller.find("demo", ahead)) for _ in range(100)]
    found = await asyncio.gather(*polls)
    assert {one.edition.position.version for one in found} == {5}
    assert bench.shelf.reads == 1
    assert (await bench.poller.find("demo", ahead)).freshness is Freshness.HIT
    assert bench.shelf.reads == 1


async def test_position_not_ahead_is_answered_from_memory(bench: Bench) -> None:
    bench.poller.put(edition(3))
    found = await bench.poller.find("demo", Position(EPOCH, 3))
    assert found.freshness is Freshness.HIT
    assert bench.shelf.reads == 0


async def test_position_ahead_of_the_store_too_is_answered_with_what_there_is(
    bench: Bench,
) -> None:
    bench.poller.put(edition(3))
    bench.shelf.rooms["demo"] = stored(3)
    found = await bench.poller.find("demo", Position(LARGEST, 0))
    assert (found.freshness, found.edition.position.version) == (Freshness.MISS, 3)


async def test_position_ahead_while_the_store_is_away_is_answered_from_memory(
    bench: Bench,
) -> None:
    bench.poller.put(edition(3))
    bench.shelf.is_away = True
    for _ in range(3):
        found = await bench.poller.find("demo", Position(LARGEST, 0))
        assert (found.freshness, found.edition.position.version) == (Freshness.STALE, 3)
    assert bench.shelf.reads == 1


async def test_room_that_cannot_be_read_leaves_the_others_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(room: str) -> Edition | None:
        if room == "broken":
            raise Unreadable("half a row")
        return Edition(stored(1, room))

    monkeypatch.setattr(bench.poller, "_read", read)
    with pytest.raises(Unreadable):
        await bench.poller.find("broken")
    assert (await bench.poller.find("demo")).freshness is Freshness.MISS


async def test_what_the_store_has_lost_is_not_answered_with_for_ever(bench: Bench) -> None:
    bench.shelf.rooms["demo"] = stored(7)
    await bench.poller.find("demo")
    del bench.shelf.rooms["demo"]
    bench.clock.now_s += FRESH_S + 0.1
    assert (await bench.poller.find("demo")).freshness is Freshness.STALE
    await bench.settle()
    assert bench.poller.held("demo") is None
    with pytest.raises(RoomNotFound):
        await bench.poller.find("demo")
    bench.poller.put(edition(1, epoch=EPOCH + 1))
    assert (await bench.poller.find("demo")).edition.position == (EPOCH + 1, 1)
