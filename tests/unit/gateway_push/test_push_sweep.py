from __future__ import annotations

from collections.abc import Iterable

import pytest
from push_round import Round
from push_turns import Turns

from gateway.push.sweep import CHUNK, SLICE_S

TINY = 2.0**-30


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

        def visit(self, some: Iterable[int]) -> int:
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
