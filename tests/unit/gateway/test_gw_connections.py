from __future__ import annotations

import asyncio
import itertools
import random

import pytest

from gateway.push.connections import BYES_AT_ONCE, LEAVING_PART, STEPS, Connections
from gateway.push.mailbox import Mailbox
from room.messages import Bye
from room.snapshot import Encoded
from tests.sim.sim_loop import SimulatedLoop

WITHIN_S = 20.0
SPREAD_MS = (500, 5000)


class Leaver:
    """A connection that goes some time after the goodbye, or never."""

    def __init__(self, connections: Connections, goes_after_s: float | None) -> None:
        self.mailbox = Mailbox("anonymous", self)
        self.byes: list[tuple[float, Bye]] = []
        self.aborted_at_s: float | None = None
        self._connections = connections
        self._goes_after_s = goes_after_s
        connections.add(self)
        self.mailbox.open()

    def carry(self, item: Encoded) -> None:
        raise AssertionError("nothing is said but goodbye")

    bring = carry

    def bid(self, bye: Bye) -> None:
        loop = asyncio.get_running_loop()
        self.byes.append((loop.time(), bye))
        if self._goes_after_s is not None:
            loop.call_later(self._goes_after_s, self._connections.remove, self)

    def abort(self) -> None:
        self.aborted_at_s = asyncio.get_running_loop().time()
        self._connections.remove(self)


def drain(
    count: int, goes_after_s: float | None = 0.1, within_s: float = WITHIN_S
) -> tuple[list[Leaver], float, Connections]:
    """Drain so many connections in time that costs nothing; gives them and how long it took."""
    loop, connections = SimulatedLoop(random.Random(3)), Connections()
    leavers: list[Leaver] = []

    async def main() -> None:
        leavers.extend(Leaver(connections, goes_after_s) for _ in range(count))
        await connections.drain(within_s, SPREAD_MS, random.Random(1))

    loop.run(main())
    assert loop.unexpected == []
    return leavers, loop.time(), connections


def test_connections_are_counted() -> None:
    connections = Connections()
    leaver = Leaver(connections, None)
    assert len(connections) == 1
    connections.remove(leaver)
    connections.remove(leaver)
    assert len(connections) == 0


@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 1000])
def test_goodbyes_are_spread_over_the_time_there_is(count: int) -> None:
    leavers, took_s, connections = drain(count)
    times = sorted(at_s for leaver in leavers for at_s, _ in leaver.byes)
    assert len(times) == count
    assert times[0] == 0.0
    assert times[-1] <= WITHIN_S * LEAVING_PART
    for end_s in (1.0, 3.0, 6.0, 12.0):
        gone = sum(at_s <= end_s for at_s in times)
        fair = count * end_s / (WITHIN_S * LEAVING_PART)
        assert gone <= fair + -(-count // STEPS) + 1
    assert len(connections) == 0
    assert took_s <= times[-1] + 0.2
    assert [leaver.aborted_at_s for leaver in leavers] == [None] * count


def test_first_who_came_are_sent_home_first() -> None:
    leavers, _, _ = drain(500)
    times = [leaver.byes[0][0] for leaver in leavers]
    assert times == sorted(times)


def test_each_is_told_another_time_to_come_back() -> None:
    leavers, _, _ = drain(500)
    told = [bye.retry_after_ms for leaver in leavers for _, bye in leaver.byes]
    assert {(bye.code, bye.reason) for leaver in leavers for _, bye in leaver.byes} == {
        (4000, "drain")
    }
    assert all(isinstance(ms, int) and SPREAD_MS[0] <= ms <= SPREAD_MS[1] for ms in told)
    assert len(set(told)) > 300


def test_who_stays_is_cut_off_when_the_time_is_over() -> None:
    leavers, took_s, connections = drain(10, goes_after_s=None)
    assert took_s == WITHIN_S
    assert [leaver.aborted_at_s for leaver in leavers] == [WITHIN_S] * 10
    assert len(connections) == 0


def test_node_with_nobody_is_drained_at_once() -> None:
    _, took_s, connections = drain(0)
    assert took_s == 0.0
    assert connections.draining


def test_those_who_leave_by_themselves_meanwhile_make_it_no_longer() -> None:
    loop, connections = SimulatedLoop(random.Random(3)), Connections()

    async def main() -> None:
        leavers = [Leaver(connections, 0.0) for _ in range(200)]
        loop.call_later(1.0, lambda: [connections.remove(leaver) for leaver in leavers])
        await connections.drain(WITHIN_S, SPREAD_MS, random.Random(1))

    loop.run(main())
    assert loop.time() <= WITHIN_S * LEAVING_PART


async def test_goodbyes_of_one_step_let_others_have_their_turn() -> None:
    connections = Connections()
    leavers = [Leaver(connections, None) for _ in range(2 * STEPS * BYES_AT_ONCE)]
    draining = asyncio.ensure_future(connections.drain(60.0, SPREAD_MS, random.Random(1)))
    told = [0]
    for _ in range(10):
        await asyncio.sleep(0)
        told.append(sum(bool(leaver.byes) for leaver in leavers))
    assert max(told) == 2 * BYES_AT_ONCE
    assert max(later - earlier for earlier, later in itertools.pairwise(told)) <= BYES_AT_ONCE
    draining.cancel()
    await asyncio.wait({draining})
