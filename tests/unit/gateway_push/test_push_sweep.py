from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from push_samples import Turns

from gateway.push.sweep import CHUNK, MAX_WINDOW_S, REST_OVER_COST, SLICE_S, Course

TINY = 2.0**-30


class Round(Course[int]):
    """Brings a number to many; each visit costs time."""

    def __init__(self, turns: Turns, size: int, each_s: float = 0.0) -> None:
        super().__init__()
        self.turns = turns
        self.people = list(range(size))
        self.each_s = each_s
        self.newest = 0
        self.got: dict[int, list[tuple[int, float]]] = {}
        self.rests = 0
        self.visits: list[tuple[int, ...]] = []

    def targets(self) -> Sequence[int]:
        return tuple(self.people)

    def visit(self, some: Sequence[int]) -> int:
        taken = 0
        met = []
        for person in some:
            met.append(person)
            self.turns.now_s += self.each_s
            taken += self.meet(person)
        self.visits.append(tuple(met))
        return taken

    def meet(self, person: int) -> bool:
        """Bring the newest to one; one who has left takes nothing."""
        had = self.got.setdefault(person, [])
        if person not in self.people or (had and had[-1][0] == self.newest):
            return False
        had.append((self.newest, self.turns.now_s))
        return True

    def rest(self) -> None:
        self.rests += 1

    def say(self, number: int) -> None:
        """Bring a number from now on."""
        self.newest = number
        self.turns.sweep.start(self)

    def numbers(self, person: int) -> list[int]:
        """Give what one got, in order."""
        return [number for number, _ in self.got.get(person, [])]

    def when(self, person: int, number: int) -> float:
        """Tell when one had a number or what came after it."""
        return next((at_s for had, at_s in self.got[person] if had >= number), math.inf)


@pytest.fixture
def turns() -> Turns:
    return Turns()


# Slices


def test_nothing_is_visited_before_the_loop_turns(turns: Turns) -> None:
    course = Round(turns, 3)
    course.say(1)
    assert course.visits == []
    assert len(turns.sweep) == 1
    turns.turn()
    assert course.visits == [(0, 1, 2)]
    assert len(turns.sweep) == 0


def test_loop_has_its_turn_after_each_slice(turns: Turns) -> None:
    course = Round(turns, 40 * CHUNK, each_s=SLICE_S / CHUNK / 4)
    course.say(1)
    longest, slices = 0.0, 0
    while not course.rests:
        before_s = turns.now_s
        turns.turn()
        longest, slices = max(longest, turns.now_s - before_s), slices + 1
    assert longest <= SLICE_S * 1.25 + TINY
    assert slices >= 8


def test_chunk_that_takes_long_is_the_only_one_of_its_slice(turns: Turns) -> None:
    course = Round(turns, 3 * CHUNK, each_s=SLICE_S)
    course.say(1)
    for count in (1, 2, 3):
        turns.turn()
        assert len(course.visits) == count


def test_number_of_targets_a_course_visits_at_once_may_be_chosen() -> None:
    turns = Turns(chunk=2)
    course = Round(turns, 5)
    course.say(1)
    turns.finish()
    assert course.visits == [(0, 1), (2, 3), (4,)]


def test_everybody_is_visited_once(turns: Turns) -> None:
    course = Round(turns, 3 * CHUNK + 1)
    course.say(1)
    turns.finish()
    assert [course.numbers(person) for person in course.people] == [[1]] * len(course.people)
    assert course.rests == 1


def test_course_of_nobody_ends(turns: Turns) -> None:
    course = Round(turns, 0)
    for number in (1, 2):
        course.say(number)
        turns.finish()
    assert course.rests == 2
    course.people.append(7)
    course.say(3)
    turns.finish()
    assert course.numbers(7) == [3]


def test_small_course_is_done_soon_though_it_comes_in_the_middle_of_a_big_one(
    turns: Turns,
) -> None:
    big, small = (Round(turns, size, each_s=SLICE_S / CHUNK) for size in (100 * CHUNK, 3))
    big.say(1)
    for _ in range(10):
        turns.turn()
    before = len(big.visits)
    small.say(1)
    while not small.rests:
        turns.turn()
    assert len(big.visits) - before <= 2


def test_courses_take_turns_chunk_by_chunk(turns: Turns) -> None:
    order: list[str] = []

    class Named(Round):
        name = ""

        def visit(self, some: Sequence[int]) -> int:
            order.append(self.name)
            return super().visit(some)

    for name in "abc":
        course = Named(turns, 3 * CHUNK)
        course.name = name
        course.say(1)
    turns.finish()
    assert "".join(order) == "abcabcabc"


def test_time_that_each_delivery_has_waited_is_observed(turns: Turns) -> None:
    course = Round(turns, CHUNK + 1, each_s=1.0)
    course.say(1)
    turns.now_s += 2.0
    turns.finish()
    waited = [(waited_s, count) for waited_s, count in turns.observed]
    assert waited == [(2.0 + CHUNK, CHUNK), (3.0 + CHUNK, 1)]


def test_delivery_of_what_overtook_a_pass_has_waited_since_then() -> None:
    turns = Turns(chunk=1)
    course = Round(turns, 2, each_s=1.0)
    course.say(1)
    turns.turn()
    turns.now_s += 5.0
    course.say(2)
    turns.turn()
    assert turns.observed == [(1.0, 1), (1.0, 1)]


def test_those_who_took_nothing_are_not_observed(turns: Turns) -> None:
    course = Round(turns, 3)
    course.say(0)
    turns.finish()
    before = len(turns.observed)
    turns.sweep.start(course)
    turns.finish()
    assert turns.observed[before:] == []


# Overtaking


def test_newer_thing_overtakes_the_pass_and_another_follows_for_those_before() -> None:
    turns = Turns(chunk=1)
    course = Round(turns, 4, each_s=SLICE_S)
    course.say(1)
    turns.turn()
    turns.turn()
    course.say(2)
    turns.finish()
    assert [course.numbers(person) for person in range(4)] == [[1, 2], [1, 2], [2], [2]]


def test_many_newer_things_during_a_pass_make_one_more_pass() -> None:
    turns = Turns(chunk=1)
    course = Round(turns, 3, each_s=SLICE_S)
    course.say(1)
    turns.turn()
    for number in range(2, 10):
        course.say(number)
    turns.finish()
    assert len(course.visits) == 6
    assert course.numbers(0) == [1, 9]


def test_newer_thing_during_the_last_chunk_is_brought_to_all_of_it() -> None:
    turns = Turns(chunk=2)

    class Speaking(Round):
        def meet(self, person: int) -> bool:
            taken = super().meet(person)
            if person == 1 and self.newest == 1:
                self.say(2)
            return taken

    course = Speaking(turns, 2)
    course.say(1)
    turns.finish()
    assert [course.numbers(person) for person in range(2)] == [[1, 2], [1, 2]]


def test_nothing_new_makes_no_other_pass(turns: Turns) -> None:
    course = Round(turns, 3)
    course.say(1)
    turns.finish()
    assert (len(course.visits), turns.soon, turns.timers) == (1, [], [])


# Rest


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


# What goes wrong, who comes and goes


@pytest.mark.parametrize("bad", [0, CHUNK // 2, CHUNK - 1, CHUNK, 2 * CHUNK])
def test_target_that_fails_stops_no_other_and_the_course_ends(turns: Turns, bad: int) -> None:
    class Failing(Round):
        def meet(self, person: int) -> bool:
            if person == bad:
                raise ZeroDivisionError
            return super().meet(person)

    course, other = Failing(turns, 2 * CHUNK + 1), Round(turns, CHUNK)
    raised = 0
    for number in (1, 2):
        course.say(number)
        other.say(number)
        while turns.soon or turns.timers:
            try:
                turns.finish()
            except ZeroDivisionError:
                raised += 1
    assert raised == 2  # one a pass: it is the loop's to report
    good = [person for person in course.people if person != bad]
    assert [course.numbers(person) for person in good] == [[1, 2]] * len(good)
    assert other.numbers(0) == [1, 2]
    assert (course.rests, course.is_under_way, len(turns.sweep)) == (2, False, 0)


def test_who_leaves_in_the_middle_of_a_pass_keeps_nothing_from_the_others() -> None:
    turns = Turns(chunk=1)
    course = Round(turns, 5)

    class Leaving(Round):
        def meet(self, person: int) -> bool:
            if person == 1:
                self.people[:] = [1, 4]
            return super().meet(person)

    course = Leaving(turns, 5)
    course.say(1)
    turns.finish()
    assert {person: course.numbers(person) for person in range(5)} == {
        0: [1],
        1: [1],
        2: [],
        3: [],
        4: [1],
    }


def test_who_comes_in_the_middle_of_a_pass_is_visited_by_the_next() -> None:
    turns = Turns(chunk=1)
    course = Round(turns, 2, each_s=SLICE_S)
    course.say(1)
    turns.turn()
    course.people.append(9)
    turns.finish()
    assert course.numbers(9) == []
    course.say(2)
    turns.finish()
    assert course.numbers(9) == [2]
