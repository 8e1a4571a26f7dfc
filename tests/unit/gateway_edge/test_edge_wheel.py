"""Deadlines on the wheel: never early, one for each entry, in slices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.loop.wheel import UNSET, Wheel

STEP_S = 0.25


class Bell:
    """Rings when it is due."""

    def __init__(self, on_ring: Callable[[], None] | None = None) -> None:
        self.wheel_slot = UNSET
        self.rung = 0
        self._on_ring = on_ring

    def due(self) -> None:
        self.rung += 1
        if self._on_ring is not None:
            self._on_ring()


class Hours:
    """Turns a wheel by a clock of its own; says when an entry rang."""

    def __init__(self, wheel: Wheel) -> None:
        self.now_s = 0.0
        self._wheel = wheel

    def step(self) -> int:
        """Take one step; say how many slices it took."""
        self.now_s += STEP_S
        return len(list(self._wheel.advance(self.now_s)))

    def until_rung(self, bell: Bell, within: int = 1000) -> float:
        began_s = self.now_s
        for _ in range(within):
            self.step()
            if bell.rung:
                return self.now_s - began_s
        raise AssertionError("it never rang")


@pytest.mark.parametrize("in_s", [0.0, 0.1, 0.25, 0.26, 1.0, 5.0, 15.0, 60.0])
def test_an_entry_is_due_not_before_its_time_and_two_steps_after_it_at_most(in_s: float) -> None:
    wheel, bell = Wheel(STEP_S), Bell()
    hours = Hours(wheel)
    for _ in range(200):  # anywhere on the ring
        hours.step()
    wheel.set(bell, in_s)
    # The set falls anywhere into the present step: at its very end one step counts for nothing.
    assert in_s + STEP_S <= hours.until_rung(bell) <= in_s + 2 * STEP_S


def test_what_is_too_far_ahead_is_due_as_late_as_can_be() -> None:
    wheel, bell = Wheel(STEP_S, slots=8), Bell()
    wheel.set(bell, 3600)
    assert Hours(wheel).until_rung(bell) == 7 * STEP_S


def test_a_later_deadline_replaces_an_earlier_one_and_the_other_way_round() -> None:
    wheel, bell = Wheel(STEP_S), Bell()
    hours = Hours(wheel)
    wheel.set(bell, 1)
    wheel.set(bell, 5)
    assert hours.until_rung(bell) >= 5
    wheel.set(bell, 5)
    wheel.set(bell, 1)
    bell.rung = 0
    assert hours.until_rung(bell) < 2
    for _ in range(300):
        hours.step()
    assert bell.rung == 1


def test_what_is_cleared_is_never_due() -> None:
    wheel, bell = Wheel(STEP_S), Bell()
    wheel.set(bell, 1)
    wheel.clear(bell)
    wheel.clear(bell)
    hours = Hours(wheel)
    for _ in range(300):
        hours.step()
    assert (bell.rung, bell.wheel_slot) == (0, UNSET)


def test_an_entry_may_set_itself_again() -> None:
    wheel = Wheel(STEP_S, slots=8)
    bell = Bell(lambda: wheel.set(bell, 3600))
    wheel.set(bell, 0)
    hours = Hours(wheel)
    for _ in range(1 + 3 * 7):
        assert hours.step() <= 1, "an entry is called once a turn"
    assert bell.rung == 4


def test_an_entry_may_clear_another_of_the_same_step() -> None:
    wheel = Wheel(STEP_S)
    bells: list[Bell] = []

    def clear_all() -> None:
        for bell in bells:
            wheel.clear(bell)

    bells += [Bell(clear_all) for _ in range(5)]
    for bell in bells:
        wheel.set(bell, 1)
    hours = Hours(wheel)
    for _ in range(10):
        hours.step()
    assert sum(bell.rung for bell in bells) == 1


def test_due_entries_are_called_in_slices() -> None:
    wheel, bells = Wheel(STEP_S, slice_=10), [Bell() for _ in range(25)]
    for bell in bells:
        wheel.set(bell, 0)
    assert Hours(wheel).step() == 3
    assert all(bell.rung == 1 for bell in bells)


def test_an_entry_that_fails_is_logged_and_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    wheel, bells = Wheel(STEP_S), [Bell(fail), Bell(), Bell(fail), Bell()]
    for bell in bells:
        wheel.set(bell, 0)
    Hours(wheel).step()
    assert [bell.rung for bell in bells] == [1, 1, 1, 1]
    assert [record.message for record in caplog.records] == ["a deadline failed"] * 2


def test_a_stall_makes_deadlines_late_and_never_early() -> None:
    wheel, bell = Wheel(STEP_S), Bell()
    list(wheel.advance(0.0))
    wheel.set(bell, 1.0)  # the loop stalled for an hour before it could say what it heard
    list(wheel.advance(3600.0))
    assert bell.rung == 0
    for step in range(1, 4):
        list(wheel.advance(3600.0 + step * STEP_S))
        assert bell.rung == 0
    list(wheel.advance(3601.0))
    assert bell.rung == 1


def test_a_turn_that_comes_too_soon_is_no_step() -> None:
    wheel, bell = Wheel(STEP_S), Bell()
    list(wheel.advance(0.0))
    wheel.set(bell, 0.0)
    for now_s in (0.05, 0.1, 0.124):
        list(wheel.advance(now_s))
    assert bell.rung == 0
    list(wheel.advance(0.249))  # timers of a loop may come a little early
    assert bell.rung == 1


async def test_a_running_wheel_yields_to_the_loop_between_slices() -> None:
    wheel, bells = Wheel(STEP_S, slice_=1), [Bell() for _ in range(3)]
    for bell in bells:
        wheel.set(bell, 0)
    naps: list[tuple[float, int]] = []
    now_s = 0.0

    async def sleep(for_s: float) -> None:
        nonlocal now_s
        now_s += for_s
        naps.append((for_s, sum(bell.rung for bell in bells)))
        if len(naps) == 5:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await wheel.run(sleep, lambda: now_s)
    assert naps == [(STEP_S, 0), (0, 1), (0, 2), (0, 3), (STEP_S, 3)]
