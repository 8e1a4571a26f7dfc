"""Callers who are ahead of this node: the store is asked as often, however many they are."""

from __future__ import annotations

import asyncio

from poller_samples import EPOCH, Bench, edition, stored

from poller.poller import AHEAD_S
from room.position import Position

AHEAD = Position(EPOCH, 9)


class Sleeper:
    """Sleeps by turning the clock, once a test lets it."""

    def __init__(self) -> None:
        self.bench: Bench | None = None
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        assert self.bench is not None
        self.slept.append(seconds)
        until_s = self.bench.clock.now_s + seconds
        await asyncio.sleep(0)
        self.bench.clock.now_s = max(self.bench.clock.now_s, until_s)


def bench_of(sleeper: Sleeper) -> Bench:
    """A poller that has just heard of version 3, as the store has it."""
    bench = sleeper.bench = Bench(sleep=sleeper)
    bench.shelf.rooms["demo"] = stored(3)
    bench.poller.put(edition(3))
    return bench


async def test_store_is_asked_ten_times_a_second_at_most_by_whoever_is_ahead() -> None:
    sleeper = Sleeper()
    bench = bench_of(sleeper)
    began_s = bench.clock.now_s
    for _ in range(50):
        found = await bench.poller.find("demo", AHEAD)
        assert found.edition.position.version == 3
    took_s = bench.clock.now_s - began_s
    assert bench.shelf.reads <= took_s / AHEAD_S + 1


async def test_those_who_are_ahead_together_share_one_read() -> None:
    sleeper = Sleeper()
    bench = bench_of(sleeper)
    asking = [bench.poller.find("demo", AHEAD) for _ in range(200)]
    await asyncio.gather(*asking)
    assert bench.shelf.reads == 1


async def test_answer_to_one_who_is_ahead_was_asked_for_after_the_question() -> None:
    sleeper = Sleeper()
    bench = bench_of(sleeper)
    asking = asyncio.ensure_future(bench.poller.find("demo", AHEAD))
    await asyncio.sleep(0)
    bench.shelf.rooms["demo"] = stored(9)
    assert (await asking).edition.position.version == 9


async def test_what_comes_in_meanwhile_spares_the_read() -> None:
    sleeper = Sleeper()
    bench = bench_of(sleeper)
    asking = asyncio.ensure_future(bench.poller.find("demo", AHEAD))
    await asyncio.sleep(0)
    bench.poller.put(edition(9))
    assert (await asking).edition.position.version == 9
    assert bench.shelf.reads == 0


async def test_one_who_is_ahead_long_after_the_last_read_waits_for_nothing() -> None:
    sleeper = Sleeper()
    bench = bench_of(sleeper)
    bench.clock.now_s += AHEAD_S
    await bench.poller.find("demo", AHEAD)
    assert (sleeper.slept, bench.shelf.reads) == ([], 1)
