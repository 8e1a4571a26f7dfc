from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.insertion.cadence import Cadence, Injection

A, B = (b"A",), (b"B",)
CHUNKS = (b"1", b"2", b"3")


def run(
    *, count: int, messages: tuple[bytes, ...], step_ms: float = 40, keys: tuple[int, ...] = ()
) -> str:
    cadence = Cadence()
    return "".join(
        (cadence.choose(n * step_ms, n in keys, messages) or b".").decode() for n in range(count)
    )


def test_nothing_goes_in_before_a_state_is_known() -> None:
    cadence = Cadence()
    assert [cadence.choose(n * 40, n == 0, ()) for n in range(30)] == [None] * 30
    assert cadence.choose(1200, False, A) == b"A"


@pytest.mark.parametrize(
    ("step_ms", "expected"),
    [
        (40, "AAA............A............A."),  # 25 pictures a second: 500 ms are 13 of them
        (20, "AAA........................A.."),  # 50 fields a second
        (250, "AAA.A.A.A.A."),
        (1000, "AAAAAA"),
    ],
)
def test_a_new_state_goes_into_three_access_units_and_then_every_half_second(
    step_ms: float, expected: str
) -> None:
    assert run(count=len(expected), messages=A, step_ms=step_ms) == expected


def test_every_keyframe_carries_the_state() -> None:
    assert run(count=12, messages=A, keys=(0, 5, 8, 9)) == "AAA..A..AA.."


def test_a_keyframe_begins_the_half_second_anew() -> None:
    assert run(count=24, messages=A, keys=(0, 10)) == "AAA.......A............A"


def test_pieces_go_one_an_access_unit_three_rounds_after_a_change() -> None:
    assert run(count=20, messages=CHUNKS) == "123123123..........1"[:20]


def test_a_keyframe_is_followed_by_every_piece() -> None:
    assert run(count=16, messages=CHUNKS, keys=(11,)) == "123123123..123.."


def test_a_new_version_overtakes_the_pieces_of_the_old_one() -> None:
    cadence = Cadence()
    said = [cadence.choose(n * 40, False, CHUNKS if n < 2 else B) for n in range(6)]
    assert said == [b"1", b"2", b"B", b"B", b"B", None]


def test_time_that_runs_backwards_repeats_the_state_at_once() -> None:
    cadence = Cadence()
    for n in range(5):
        cadence.choose(10_000 + n * 40, False, A)
    assert cadence.choose(0, False, A) == b"A"
    assert cadence.choose(40, False, A) is None


def test_equal_messages_are_no_change() -> None:
    cadence = Cadence()
    said = [cadence.choose(n * 40, False, (b"A",)) for n in range(5)]
    assert said == [b"A", b"A", b"A", None, None]


@given(
    st.lists(st.tuples(st.integers(0, 200), st.booleans()), min_size=20, max_size=200),
    st.integers(1, 5),
)
def test_a_reader_from_any_keyframe_on_has_all_within_as_many_access_units_as_pieces(
    steps: list[tuple[int, bool]], count: int
) -> None:
    messages = tuple(str(index).encode() for index in range(count))
    cadence = Cadence()
    time_ms = 0
    said = []
    for step_ms, is_keyframe in steps:
        time_ms += step_ms
        said.append(cadence.choose(time_ms, is_keyframe, messages))
    for n, (_, is_keyframe) in enumerate(steps[: len(steps) - count + 1]):
        if is_keyframe:
            assert set(said[n : n + count]) == set(messages)


def test_with_keyframes_only_one_round_begins_at_each() -> None:
    cadence = Cadence("keyframes")
    said = [cadence.choose(n * 400, n in (2, 7), CHUNKS) for n in range(12)]
    assert said == [None, None, b"1", b"2", b"3", None, None, b"1", b"2", b"3", None, None]


def test_with_keyframes_only_a_new_version_waits_for_the_next_one() -> None:
    cadence = Cadence("keyframes")
    said = [cadence.choose(n * 400, n in (0, 3), CHUNKS if n < 2 else B) for n in range(5)]
    assert said == [b"1", b"2", None, b"B", None]


def test_with_keyframes_only_time_that_runs_backwards_says_nothing() -> None:
    cadence = Cadence("keyframes")
    assert [cadence.choose(ms, False, A) for ms in (9000, 0, 9000)] == [None] * 3


def test_off_says_nothing() -> None:
    cadence = Cadence("off")
    assert [cadence.choose(n * 400, n == 0, A) for n in range(5)] == [None] * 5


def test_a_new_version_at_a_keyframe_has_its_three_rounds() -> None:
    cadence = Cadence()
    assert [cadence.choose(n * 40, n == 0, A) for n in range(5)] == [b"A"] * 3 + [None] * 2


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 20, 40, 250, 499, 500, 501, 3000, -40, -5000]),
        st.booleans(),
        st.sampled_from([(), A, B, CHUNKS, (b"9", b"8")]),
        st.booleans(),
    ),
    max_size=60,
)


@given(steps, st.sampled_from(["on", "keyframes", "off"]))
def test_whoever_asks_only_where_something_is_due_gets_the_same(
    taken: list[tuple[int, bool, tuple[bytes, ...], bool]], injection: Injection
) -> None:
    always, asked = Cadence(injection), Cadence(injection)
    time_ms = 0
    for step_ms, is_keyframe, messages, is_copied in taken:
        time_ms += step_ms
        same = (*messages,) if is_copied else messages  # equal, and not identical
        expected = always.choose(time_ms, is_keyframe, messages)
        is_due = asked.is_due(time_ms, is_keyframe, same)
        assert (asked.choose(time_ms, is_keyframe, same) if is_due else None) == expected


def test_nothing_is_due_between_two_rounds() -> None:
    cadence = Cadence()
    for number in range(3):
        cadence.choose(number * 40, number == 0, A)
    due = [cadence.is_due(time_ms, False, A) for time_ms in (120, 579, 580)]
    assert due == [False, False, True]  # the last round began at 80
    assert cadence.is_due(120, True, A)
    assert cadence.is_due(120, False, B)
