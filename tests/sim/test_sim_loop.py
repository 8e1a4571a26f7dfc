"""The simulator itself: the same seed is the same schedule, and time costs nothing."""

from __future__ import annotations

import asyncio
import random

import pytest
from sim_loop import SimulatedLoop, Stuck
from sim_node import Parts
from sim_run import WORLDS
from sim_world import NORMAL, World


def order_of_ten(seed: int) -> list[int]:
    """Start ten tasks at once and note who comes first."""
    order: list[int] = []

    async def step(number: int) -> None:
        await asyncio.sleep(0)
        order.append(number)

    async def main() -> None:
        await asyncio.gather(*(step(number) for number in range(10)))

    SimulatedLoop(random.Random(seed)).run(main())
    return order


def test_seed_decides_the_order() -> None:
    assert order_of_ten(1) == order_of_ten(1)
    assert len({tuple(order_of_ten(seed)) for seed in range(20)}) > 10


def test_time_jumps_to_the_next_timer() -> None:
    loop = SimulatedLoop(random.Random(0))

    async def main() -> list[float]:
        times = []
        for delay_s in (0.5, 3600.0):
            await asyncio.sleep(delay_s)
            times.append(loop.time())
        return times

    assert loop.run(main()) == [0.5, 3600.5]


def test_timeout_ends_a_wait_without_end() -> None:
    loop = SimulatedLoop(random.Random(0))

    async def main() -> None:
        async with asyncio.timeout(2.0):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        loop.run(main())
    assert loop.time() == 2.0


def test_deadlock_is_told() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="everybody waits"):
        SimulatedLoop(random.Random(0)).run(main())


def test_endless_running_is_told() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        endless = loop.create_future()

        def again() -> None:
            loop.call_soon(again)

        again()
        await endless

    with pytest.raises(Stuck, match="still running"):
        SimulatedLoop(random.Random(0)).run(main())


def test_locks_keep_their_promise_in_any_order() -> None:
    async def main() -> int:
        lock, inside, most = asyncio.Lock(), 0, 0

        async def enter() -> None:
            nonlocal inside, most
            async with lock:
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

        await asyncio.gather(*(enter() for _ in range(20)))
        return most

    assert {SimulatedLoop(random.Random(seed)).run(main()) for seed in range(20)} == {1}


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_world_of_a_seed_runs_the_same_way_again(seed: int) -> None:
    for world in WORLDS.values():
        assert world(seed) == world(seed)


def test_error_in_a_detached_task_breaks_a_rule() -> None:
    class Failing(World):
        async def _settle(self) -> None:
            await super()._settle()
            self._node.tasks.spawn(_fail())

    with pytest.raises(AssertionError, match="no unexpected error"):
        Failing(1, NORMAL, Parts()).run()


async def _fail() -> None:
    raise ZeroDivisionError
