from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.files.timeline import Scale, Timeline, Times

MS = Fraction(1, 1000)


def place(*times: tuple[int | None, int | None], strict: bool = True) -> list[Times]:
    timeline = Timeline(MS, strict=strict)
    return [timeline.place(dts, pts, 40) for dts, pts in times]


def test_times_in_order_stay_as_they_are() -> None:
    assert place((-80, 0), (-40, 120), (0, 40)) == [(-80, 0), (-40, 120), (0, 40)]


def test_jitter_is_pushed_forward_by_the_least_that_will_do() -> None:
    assert place((100, 100), (99, 99), (140, 140)) == [(100, 100), (101, 101), (140, 140)]


def test_equal_times_stay_where_the_muxer_takes_them() -> None:
    assert place((100, 100), (100, 100), strict=False)[1] == (100, 100)
    assert place((100, 100), (100, 100), strict=True)[1] == (101, 101)


def test_after_a_jump_back_everything_follows_on() -> None:
    placed = place((5000, 5000), (5040, 5120), (0, 80), (40, 40))
    assert placed[2:] == [(5080, 5160), (5120, 5120)]


def test_a_picture_is_never_shown_before_it_is_decoded() -> None:
    assert place((100, 60)) == [(100, 100)]


def test_packets_without_times_follow_on() -> None:
    assert place((None, None), (None, None), (None, 200)) == [(0, 0), (40, 40), (200, 200)]


def test_packets_without_times_follow_on_after_a_jump_back_too() -> None:
    assert place((5000, 5000), (0, 0), (None, None))[1:] == [(5040, 5040), (5080, 5080)]


@given(
    st.lists(
        st.tuples(st.none() | st.integers(-(10**6), 10**6), st.none() | st.integers(0, 10**6)),
        max_size=60,
    ),
    st.booleans(),
)
def test_no_input_makes_decoding_times_run_backwards(
    times: list[tuple[int | None, int | None]], strict: bool
) -> None:
    placed = place(*times, strict=strict)
    for before, after in itertools.pairwise(placed):
        assert after.dts > before.dts if strict else after.dts >= before.dts
    assert all(item.pts >= item.dts for item in placed)


@pytest.mark.parametrize(("ticks", "expected"), [(0, 0), (1, 90), (-1, -90), (1001, 90090)])
def test_finer_bases_are_exact(ticks: int, expected: int) -> None:
    assert Scale(MS, Fraction(1, 90_000))(ticks) == expected


@pytest.mark.parametrize(
    ("ticks", "expected"), [(44, 0), (45, 1), (-44, 0), (-45, -1), (134, 1), (135, 2)]
)
def test_coarser_bases_round_to_the_nearest_halves_away_from_zero(
    ticks: int, expected: int
) -> None:
    assert Scale(Fraction(1, 90_000), MS)(ticks) == expected
