from __future__ import annotations

import heapq
import random
from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.push.admission import MAX_AHEAD_S, MIN_RETRY_MS, SPREAD, Admission, Flooded


class Clock:
    """Seconds that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Flat(random.Random):
    """Always the lower end."""

    def uniform(self, a: float, b: float) -> float:
        return a


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hint_ms(admission: Admission) -> int | None:
    """Ask to be let in; None: let in, else when to come back."""
    try:
        admission.admit()
    except Flooded as error:
        return error.retry_after_ms or 0
    return None


def test_as_many_as_the_burst_are_let_in_at_once(clock: Clock) -> None:
    admission = Admission(10, 5, clock, random.Random(0))
    assert [hint_ms(admission) for _ in range(5)] == [None] * 5
    assert hint_ms(admission) is not None
    assert (admission.admitted, admission.refused) == (5, 1)


def test_who_is_refused_is_told_why_and_when_to_come_back(clock: Clock) -> None:
    admission = Admission(1, 1, clock, Flat())
    admission.admit()
    with pytest.raises(Flooded) as caught:
        admission.admit()
    assert (caught.value.code, caught.value.retry_after_ms) == ("OVERLOADED", 1000)


def test_tokens_come_back_at_the_pace_and_no_more_than_the_burst(clock: Clock) -> None:
    admission = Admission(10, 5, clock, random.Random(0))
    while hint_ms(admission) is None:
        pass
    clock.now_s += 0.2
    assert [hint_ms(admission) is None for _ in range(3)] == [True, True, False]
    clock.now_s += 1000.0
    assert [hint_ms(admission) is None for _ in range(6)] == [True] * 5 + [False]


def test_turns_follow_each_other_at_the_pace(clock: Clock) -> None:
    admission = Admission(1, 1, clock, Flat())
    assert [hint_ms(admission) for _ in range(4)] == [None, 1000, 2000, 3000]


def test_nobody_is_told_to_come_back_sooner_than_the_shortest_time(clock: Clock) -> None:
    admission = Admission(1000, 1, clock, random.Random(0))
    hints = [hint for _ in range(200) if (hint := hint_ms(admission)) is not None]
    assert min(hints) >= MIN_RETRY_MS
    assert len(set(hints)) > 50


def test_turns_are_given_out_a_bounded_time_ahead(clock: Clock) -> None:
    admission = Admission(1, 1, clock, random.Random(0))
    hints = [hint for _ in range(1000) if (hint := hint_ms(admission)) is not None]
    assert max(hints) <= MAX_AHEAD_S * (1 + SPREAD) * 1000
    clock.now_s += 2 * MAX_AHEAD_S
    assert hint_ms(admission) is None
    assert hint_ms(admission) == pytest.approx(1000, rel=SPREAD)


@settings(deadline=None)
@given(
    per_s=st.integers(1, 500),
    burst=st.integers(1, 500),
    pauses=st.lists(st.floats(0.0, 2.0), max_size=60),
)
def test_rate_is_never_passed_but_for_the_burst(
    per_s: int, burst: int, pauses: list[float]
) -> None:
    clock = Clock()
    admission = Admission(per_s, burst, clock, random.Random(0))
    let_in: list[float] = []
    for pause in pauses:
        clock.now_s += pause
        for _ in range(50):
            if hint_ms(admission) is None:
                let_in.append(clock.now_s)
    least = float("inf")
    for count, at_s in enumerate(let_in):
        least = min(least, count - per_s * (at_s - let_in[0]))
        since = count + 1 - per_s * (at_s - let_in[0])
        assert since - least <= burst + 1e-6  # over every window that ends here


@pytest.mark.parametrize(
    ("clients", "per_s", "burst", "most"),
    [(10_000, 500, 500, 4), (10_000, 200, 50, 4), (20_000, 200, 200, 6)],
)
def test_everybody_who_comes_back_when_told_is_let_in_soon(
    clients: int, per_s: int, burst: int, most: int
) -> None:
    """All come at once, as after a restart, and again whenever they are told to.

    The last are more than there are turns ahead: the end of these is where many come together.
    """
    clock, rng = Clock(), random.Random(1)
    admission = Admission(per_s, burst, clock, random.Random(2))
    coming = [(clock.now_s + rng.random(), number) for number in range(clients)]
    heapq.heapify(coming)
    refusals = [0] * clients
    let_in: list[float] = []
    while coming:
        clock.now_s, number = heapq.heappop(coming)
        hint = hint_ms(admission)
        if hint is None:
            let_in.append(clock.now_s)
        else:
            refusals[number] += 1
            heapq.heappush(coming, (clock.now_s + hint / 1000, number))
    assert len(let_in) == clients
    took_s = let_in[-1] - let_in[0]
    assert took_s <= 1.5 * clients / per_s + 5.0
    assert max(refusals) <= most
    assert sum(refusals) <= 1.5 * clients
    for window_s in (1.0, 5.0):
        for first in range(0, clients, 97):
            count = bisect_left(let_in, let_in[first] + window_s) - first
            assert count <= burst + 1 + per_s * window_s * 1.001
