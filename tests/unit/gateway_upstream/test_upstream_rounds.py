from __future__ import annotations

import asyncio

import pytest
from upstream_samples import KEY, TTL_S, Bench, whole

from gateway.upstream.rounds import READS_AT_ONCE, SCAN_S, STEP_S, Rounds


async def step(bench: Bench, seconds: float = 0.0) -> int:
    """Let time pass, take a step, and count the reads of it."""
    before = len(bench.service.asked)
    bench.now_s += seconds
    bench.rounds.begin_reads()
    await asyncio.sleep(0)
    return len(bench.service.asked) - before


async def test_what_is_followed_is_read_once_a_ttl(bench: Bench) -> None:
    bench.following = [KEY]
    reads = 0
    for _ in range(100):  # ten seconds
        reads += await step(bench, STEP_S)
        await bench.settle()
    assert 8 <= reads <= 10
    assert len(bench.announced) == 1


async def test_what_is_newer_is_announced_within_a_ttl_and_a_step(bench: Bench) -> None:
    bench.following = [KEY]
    await step(bench)
    await bench.settle()
    bench.service.answer = whole(2)
    assert await step(bench, TTL_S * 0.99) == 0
    assert await step(bench, TTL_S * 0.11 + STEP_S) == 1
    await bench.settle()
    assert bench.announced[-1] == ("demo", "1.2", "1.1")


async def test_what_nobody_follows_or_the_store_holds_is_not_read(bench: Bench) -> None:
    bench.following = [("demo", "state"), ("demo", "x-other")]
    assert await step(bench) == 0


async def test_what_nobody_follows_any_more_is_let_go_and_found_again(bench: Bench) -> None:
    bench.following = [KEY]
    assert await step(bench) == 1
    await bench.settle()
    bench.following = []
    for _ in range(3):
        assert await step(bench, 2 * TTL_S) == 0
    assert (bench.rounds._known, bench.rounds._due) == (set(), [])
    bench.following = [KEY]
    assert await step(bench, SCAN_S) == 1


async def test_what_is_new_is_found_at_the_next_scan(bench: Bench) -> None:
    assert await step(bench) == 0
    bench.following = [KEY]
    assert await step(bench, SCAN_S * 0.9) == 0
    assert await step(bench, SCAN_S * 0.2) == 1


async def test_a_read_for_pollers_puts_the_next_one_off(bench: Bench) -> None:
    bench.following = [KEY]
    await step(bench)
    await bench.settle()
    bench.now_s += TTL_S + 0.01  # a poller comes before the round, which is spread
    await bench.documents.find(KEY)
    await bench.settle()
    assert await step(bench, TTL_S * 0.5) == 0
    assert await step(bench, TTL_S * 0.6) == 1


async def test_a_read_for_pollers_counts_for_followers_too(bench: Bench) -> None:
    bench.following = [KEY]
    await bench.documents.find(KEY)
    assert await step(bench, TTL_S / 2) == 0


@pytest.mark.parametrize("answer", ["unreachable", None])
async def test_what_fails_or_is_missing_is_tried_once_a_ttl_too(bench: Bench, answer: None) -> None:
    bench.following = [KEY]
    bench.service.answer = answer
    reads = 0
    for _ in range(50):  # five seconds
        reads += await step(bench, STEP_S)
        await bench.settle()
    assert 4 <= reads <= 5


async def test_reads_are_bounded_and_the_longest_due_come_first(bench: Bench) -> None:
    bench.following = [(f"r{number:03}", "x-seats") for number in range(READS_AT_ONCE + 10)]
    bench.service.gate.clear()
    assert await step(bench) == READS_AT_ONCE
    assert await step(bench) == 0
    bench.service.gate.set()
    await bench.settle()
    bench.now_s += 2 * TTL_S
    bench.service.gate.clear()
    assert await step(bench) == READS_AT_ONCE
    second = {room for room, _ in bench.service.asked[READS_AT_ONCE:]}
    assert {f"r{number:03}" for number in range(READS_AT_ONCE, READS_AT_ONCE + 10)} <= second
    bench.service.gate.set()
    await bench.settle()


async def test_what_is_being_read_takes_no_place_of_what_is_not(bench: Bench) -> None:
    slow = [(f"a{number}", "x-seats") for number in range(READS_AT_ONCE - 10)]
    bench.following = slow
    bench.service.gate.clear()
    assert await step(bench) == len(slow)
    bench.following = slow + [(f"b{number}", "x-seats") for number in range(20)]
    assert await step(bench, SCAN_S) == 10
    bench.service.gate.set()
    await bench.settle()


async def test_many_that_were_read_together_do_not_keep_step(bench: Bench) -> None:
    bench.following = [(f"r{number}", "x-seats") for number in range(50)]
    await step(bench)
    await bench.settle()
    due = [bench.documents.due_at_s(key) - bench.now_s for key in bench.following]
    assert TTL_S <= min(due) < max(due) <= 1.1 * TTL_S
    assert len(set(due)) > 40


async def test_the_loop_goes_round_until_it_is_cancelled(bench: Bench) -> None:
    slept, enough = [], asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        bench.now_s += seconds
        if len(slept) > 30:
            enough.set()
        await asyncio.sleep(0)

    bench.following = [KEY]
    rounds = Rounds(bench.documents, bench, bench.tasks, clock_s=lambda: bench.now_s, sleep=sleep)
    running = asyncio.create_task(rounds.run())
    await enough.wait()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert set(slept) == {STEP_S}
    assert 2 <= len(bench.service.asked) <= 4
