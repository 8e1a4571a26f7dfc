from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

import pytest
from poller_samples import EPOCH, Bench, edition, stored

from poller import Freshness
from poller.flight import WOKEN_AT_ONCE, SingleFlight
from room.errors import RoomNotFound, Unavailable
from room.position import Position

CROWD = 5_000


async def test_crowd_on_a_cold_room_is_one_read(bench: Bench) -> None:
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    polls = [asyncio.create_task(bench.poller.find("demo")) for _ in range(CROWD)]
    await bench.settle()
    gate.set()
    found = await asyncio.gather(*polls)
    assert bench.shelf.reads == 1
    assert len({id(one.edition) for one in found}) == 1
    assert sum(one.freshness is Freshness.MISS for one in found) == 1


async def test_crowd_on_a_missing_room_is_one_read(bench: Bench) -> None:
    polls = [asyncio.create_task(bench.poller.find("demo")) for _ in range(CROWD)]
    errors = await asyncio.gather(*polls, return_exceptions=True)
    assert {type(error) for error in errors} == {RoomNotFound}
    assert bench.shelf.reads == 1


async def test_crowd_hears_of_a_failed_read_together(bench: Bench) -> None:
    bench.shelf.is_away = True
    polls = [asyncio.create_task(bench.poller.find("demo")) for _ in range(100)]
    errors = await asyncio.gather(*polls, return_exceptions=True)
    assert {type(error) for error in errors} == {Unavailable}
    assert bench.shelf.reads == 1


async def test_rooms_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.shelf.rooms = {"a": stored(1, "a"), "b": stored(1, "b")}
    gate = bench.shelf.close_gate()
    slow = asyncio.create_task(bench.poller.find("a"))
    await bench.settle()
    bench.shelf.gate = None
    assert (await bench.poller.find("b")).edition.room == "b"
    assert not slow.done()
    gate.set()
    assert (await slow).edition.room == "a"


async def test_cancelled_leader_leaves_the_read_to_the_others(bench: Bench) -> None:
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    leader = asyncio.create_task(bench.poller.find("demo"))
    await bench.settle()
    followers = [asyncio.create_task(bench.poller.find("demo")) for _ in range(3)]
    await bench.settle()
    leader.cancel()
    followers[0].cancel()
    await bench.settle()
    gate.set()
    found = await asyncio.gather(*followers[1:])
    assert leader.cancelled()
    assert followers[0].cancelled()
    assert [one.edition.position.version for one in found] == [3, 3]
    assert bench.shelf.reads == 1


async def test_read_that_everybody_left_still_fills_the_memory(bench: Bench) -> None:
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    leader = asyncio.create_task(bench.poller.find("demo"))
    await bench.settle()
    leader.cancel()
    gate.set()
    await bench.settle()
    assert (await bench.poller.find("demo")).freshness is Freshness.HIT
    assert bench.shelf.reads == 1


async def test_read_that_lands_late_does_not_undo_a_commit(bench: Bench) -> None:
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    early = asyncio.create_task(bench.poller.find("demo"))
    await bench.settle()
    committed = bench.poller.put(edition(4))
    gate.set()
    assert (await early).edition is committed
    assert (await bench.poller.find("demo")).edition is committed


async def test_read_that_lands_late_does_not_undo_a_commit_that_was_pushed_out_meanwhile() -> None:
    bench = Bench(max_held=1)
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    early = asyncio.create_task(bench.poller.find("demo"))
    await bench.settle()
    bench.poller.put(edition(4))
    bench.poller.put(edition(1, room="other"))
    gate.set()
    assert (await early).edition.position.version == 4
    assert (await bench.poller.find("demo")).edition.position.version == 4


async def test_created_room_is_found_though_a_404_was_cached(bench: Bench) -> None:
    with pytest.raises(RoomNotFound):
        await bench.poller.find("demo")
    bench.poller.put(edition(1))
    assert (await bench.poller.find("demo")).freshness is Freshness.HIT


async def test_created_room_is_found_though_a_read_that_saw_nothing_lands_later(
    bench: Bench,
) -> None:
    gate = bench.shelf.close_gate()
    early = asyncio.create_task(bench.poller.find("demo"))
    await bench.settle()
    bench.poller.put(edition(1))
    gate.set()
    await asyncio.wait({early})
    early.exception()
    for age_s in (0.0, 0.5, 3.0):
        bench.clock.now_s += age_s
        assert (await bench.poller.find("demo")).edition.position.version == 1


async def test_created_room_is_found_by_a_poll_ahead_that_joins_a_read_that_saw_nothing(
    bench: Bench,
) -> None:
    gate = bench.shelf.close_gate()
    early = asyncio.create_task(bench.poller.find("demo"))
    await bench.settle()
    bench.poller.put(edition(1))
    ahead = asyncio.create_task(bench.poller.find("demo", Position(EPOCH, 2)))
    await bench.settle()
    gate.set()
    await asyncio.wait({early, ahead})
    early.exception()
    assert (await ahead).edition.position.version == 1


async def test_landed_flight_is_forgotten(bench: Bench) -> None:
    flights: SingleFlight[str, int] = SingleFlight(asyncio.get_running_loop().create_task)

    async def read() -> int:
        return 7

    first, joined = flights.start("demo", read)
    again, joined_again = flights.start("demo", read)
    assert (again is first, joined, joined_again) == (True, False, True)
    assert len(flights) == 1
    assert await first == 7
    await bench.settle()
    assert len(flights) == 0
    later, joined = flights.start("demo", read)
    assert (later is first, joined) == (False, False)
    await later


async def test_failed_flight_is_forgotten(bench: Bench) -> None:
    flights: SingleFlight[str, int] = SingleFlight(asyncio.get_running_loop().create_task)

    async def fail() -> int:
        raise Unavailable("away")

    flight, _ = flights.start("demo", fail)
    with pytest.raises(Unavailable):
        await flight
    await bench.settle()
    assert len(flights) == 0


async def test_read_that_has_landed_is_joined_by_nobody() -> None:
    """Whoever hears of its end first may ask again, and is given a read of their own."""
    joined: list[bool] = []

    async def read() -> int:
        return 7

    def spawn(work: Coroutine[Any, Any, int]) -> asyncio.Task[int]:
        task = asyncio.get_running_loop().create_task(work)
        if not joined:
            task.add_done_callback(lambda _: joined.append(flights.start("a", read)[1]))
        return task

    flights: SingleFlight[str, int] = SingleFlight(spawn)
    first, _ = flights.start("a", read)
    await first
    await asyncio.sleep(0)
    assert joined == [False]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(flights) == 0


async def test_crowd_hears_of_the_end_in_slices() -> None:
    flights: SingleFlight[str, int] = SingleFlight(asyncio.get_running_loop().create_task)
    gate = asyncio.Event()

    async def read() -> int:
        await gate.wait()
        return 7

    flight, _ = flights.start("demo", read)
    crowd = [asyncio.create_task(flights.join(flight)) for _ in range(3 * WOKEN_AT_ONCE)]
    await asyncio.sleep(0)
    gate.set()
    answered = []
    while not answered or answered[-1] < len(crowd):
        await asyncio.sleep(0)
        answered.append(sum(one.done() for one in crowd))
    steps = [later - earlier for earlier, later in itertools.pairwise([0, *answered])]
    assert max(steps) <= WOKEN_AT_ONCE
    assert {one.result() for one in crowd} == {7}
    assert not flights._crowds


async def test_crowd_that_leaves_together_leaves_nothing_behind() -> None:
    flights: SingleFlight[str, int] = SingleFlight(asyncio.get_running_loop().create_task)
    gate = asyncio.Event()

    async def read() -> int:
        await gate.wait()
        return 7

    flight, _ = flights.start("demo", read)
    crowd = [asyncio.create_task(flights.join(flight)) for _ in range(CROWD)]
    await asyncio.sleep(0)
    for one in crowd[1:]:
        one.cancel()
    await asyncio.wait(crowd[1:])
    assert not flight.done()
    gate.set()
    assert await crowd[0] == 7
    assert not flights._crowds


async def test_whoever_joins_what_has_landed_is_answered_at_once() -> None:
    flights: SingleFlight[str, int] = SingleFlight(asyncio.get_running_loop().create_task)

    async def read() -> int:
        return 7

    flight, _ = flights.start("demo", read)
    await flight
    assert await flights.join(flight) == 7


async def test_refresh_reads_after_it_was_called_though_a_read_is_under_way(bench: Bench) -> None:
    gate = bench.shelf.close_gate()
    bench.shelf.rooms["demo"] = stored(3)
    early = asyncio.create_task(bench.poller.find("demo"))
    await bench.settle()
    bench.shelf.rooms["demo"] = stored(4)
    refresh = asyncio.create_task(bench.poller.refresh("demo"))
    await bench.settle()
    gate.set()
    await asyncio.gather(early, refresh)
    held = bench.poller.held("demo")
    assert held is not None
    assert (held.position.version, bench.shelf.reads) == (4, 2)


async def test_room_that_a_flood_pushed_out_before_its_reader_had_its_turn_is_answered() -> None:
    bench = Bench(max_held=1)
    bench.shelf.rooms["demo"] = stored(3)
    bench.poller._announce = lambda edition, _: edition.room == "demo" and bench.poller.put(other)
    other = edition(1, room="other")
    assert (await bench.poller.find("demo")).edition.position.version == 3
    assert bench.poller.held("demo") is None
