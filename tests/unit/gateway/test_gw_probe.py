from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.loop.probe import LATE_S, LOOK_S, MAX_FACTOR, SMOOTHING, LoopProbe


class Late:
    """A clock, and a sleep that wakes too late by the next of some times."""

    def __init__(self, *late_s: float) -> None:
        self.now_s = 50.0
        self._late_s = list(late_s)

    def clock_s(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        if not self._late_s:
            raise asyncio.CancelledError
        self.now_s += seconds + self._late_s.pop(0)


def probe_of(
    late: Late, observe: Callable[[float], None] = float, beat: Callable[[float], None] = float
) -> LoopProbe:
    return LoopProbe(observe=observe, beat=beat, clock_s=late.clock_s, sleep=late.sleep)


def probe_that_saw(*stalls: float) -> LoopProbe:
    probe = probe_of(Late())
    for stall_s in stalls:
        probe.note(stall_s)
    return probe


async def test_each_look_tells_how_much_too_late_it_woke() -> None:
    late, seen = Late(0.0, 0.25, 0.0), list[float]()
    with pytest.raises(asyncio.CancelledError):
        await probe_of(late, seen.append).run()
    assert seen == pytest.approx([0.0, 0.25, 0.0], abs=1e-9)


async def test_each_look_tells_the_time() -> None:
    late, beats = Late(0.0, 0.25), list[float]()
    with pytest.raises(asyncio.CancelledError):
        await probe_of(late, beat=beats.append).run()
    assert beats == pytest.approx([50.0 + LOOK_S, 50.25 + 2 * LOOK_S])


async def test_waking_early_is_no_stall() -> None:
    late, seen = Late(-LOOK_S / 2), list[float]()
    with pytest.raises(asyncio.CancelledError):
        await probe_of(late, seen.append).run()
    assert seen == [0.0]


def test_loop_that_is_in_time_asks_for_the_usual_pace() -> None:
    assert probe_that_saw().pace_ms(3000) == 3000
    assert probe_that_saw(*[LATE_S / 2] * 1000).pace_ms(3000) == 3000


@pytest.mark.parametrize(
    ("stall_s", "factor"), [(1.5, 2), (3.0, 4), (6.0, MAX_FACTOR), (1000.0, MAX_FACTOR)]
)
def test_pace_doubles_with_each_doubling_of_a_lasting_stall(stall_s: float, factor: int) -> None:
    assert probe_that_saw(*[stall_s * LATE_S] * 1000).pace_ms(3000) == 3000 * factor


def test_one_short_stall_changes_nothing() -> None:
    assert probe_that_saw(LATE_S / SMOOTHING / 2).pace_ms(3000) == 3000


def test_pace_is_the_usual_one_again_soon_after_the_stall() -> None:
    probe = probe_that_saw(*[0.1] * 1000)
    assert probe.pace_ms(3000) > 3000
    for _ in range(200):
        probe.note(0.0)
    assert probe.pace_ms(3000) == 3000
