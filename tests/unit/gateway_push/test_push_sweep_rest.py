"""How long a course rests after a pass, and what that means for those who wait."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from push_round import Round
from push_turns import Turns

from gateway.push.sweep import CHUNK, MAX_WINDOW_S, REST_OVER_COST, SLICE_S

TINY = 2.0**-30


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.mark.parametrize(("cost_s", "window_s"), [(0.04, 0.06), (0.2, 0.3), (0.3, 0.45)])
def test_course_rests_for_half_as_long_again_as_its_pass_has_cost(
    turns: Turns, cost_s: float, window_s: float
) -> None:
    course = Round(turns, 1, each_s=cost_s)
    course.say(1)
    turns.finish()
    course.say(2)
    assert turns.timers[0][0] == pytest.approx(window_s)
    assert window_s == pytest.approx(REST_OVER_COST * cost_s)


def test_course_rests_for_half_a_second_at_most(turns: Turns) -> None:
    course = Round(turns, 1, each_s=0.45)
    course.say(1)
    turns.finish()
    course.say(2)
    assert turns.timers[0][0] == pytest.approx(MAX_WINDOW_S)


def test_course_that_takes_longer_than_the_longest_window_does_not_rest(turns: Turns) -> None:
    course = Round(turns, 1, each_s=2.0)
    course.say(1)
    turns.finish()
    course.say(2)
    assert (len(turns.soon), turns.timers) == (1, [])


def test_pass_that_costs_next_to_nothing_needs_no_rest_and_no_timer(turns: Turns) -> None:
    course = Round(turns, CHUNK, each_s=0.001 / CHUNK)
    for number in range(1, 20):
        course.say(number)
        assert turns.timers == []
        turns.finish()
    assert course.numbers(0) == list(range(1, 20))


def test_time_of_other_courses_is_no_cost(turns: Turns) -> None:
    dear, cheap = Round(turns, 5 * CHUNK, each_s=0.01), Round(turns, 2 * CHUNK)
    dear.say(1)
    cheap.say(1)
    turns.finish()
    assert turns.now_s > 1.0
    assert cheap.cost_s == 0.0


def test_rest_counts_from_the_beginning_of_the_pass(turns: Turns) -> None:
    course = Round(turns, 1, each_s=0.2)
    course.say(1)
    turns.finish()
    turns.now_s += 0.11
    course.say(2)
    assert turns.timers == []


def test_changes_during_the_rest_are_merged(turns: Turns) -> None:
    course = Round(turns, 1, each_s=0.2)
    course.say(1)
    turns.finish()
    for number in (2, 3, 4):
        course.say(number)
        turns.now_s += 0.01
    turns.finish()
    assert course.numbers(0) == [1, 4]
    assert course.rests == 2


@settings(deadline=None)
@given(
    size=st.integers(1, 60),
    cost_s=st.floats(0.01, 0.4),
    pauses=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12),
)
def test_change_at_any_moment_is_with_everybody_within_one_and_a_half_passes(
    size: int, cost_s: float, pauses: list[float]
) -> None:
    """In time that only visits cost; what a slice keeps the loop for comes on top."""
    turns = Turns(chunk=1)
    course = Round(turns, size, each_s=cost_s / size)
    said: dict[int, float] = {}
    due_s = 0.0
    for number, pause in enumerate(pauses, 1):
        due_s = max(due_s + pause * 2 * cost_s, 0.0)
        while turns.now_s < due_s and (turns.soon or turns.timers):
            if not turns.soon:
                turns.now_s = max(turns.now_s, min(due_s, turns.timers[0][0]))
            if turns.now_s < due_s:
                turns.turn()
        turns.now_s = max(turns.now_s, due_s)
        said[number] = turns.now_s
        course.say(number)
    turns.finish()
    most_s = REST_OVER_COST * cost_s + 2 * max(SLICE_S, cost_s / size) + TINY
    for number, said_s in said.items():
        for person in range(size):
            assert course.when(person, number) - said_s <= most_s
    for person in range(size):
        numbers = course.numbers(person)
        assert numbers == sorted(set(numbers))
        assert numbers[-1] == len(pauses)
