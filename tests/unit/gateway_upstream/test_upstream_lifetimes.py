from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.lifetimes import (
    ERROR_S,
    LONGEST_REVALIDATE_S,
    LONGEST_S,
    REVALIDATE_S,
    SHORTEST_S,
    Lifetime,
    read_lifetime,
)

USUAL_S = 0.5


@pytest.mark.parametrize(
    ("field", "lifetime"),
    [
        ("", Lifetime(USUAL_S)),
        ("max-age=5", Lifetime(5)),
        ("public, Max-Age = 5", Lifetime(5)),
        ('max-age="5"', Lifetime(5)),
        ("max-age=0", Lifetime(SHORTEST_S)),
        ("max-age=3600", Lifetime(LONGEST_S)),
        ("max-age=5, max-age=6", Lifetime(5)),
        ("max-age=2, stale-while-revalidate=7, stale-if-error=9", Lifetime(2, 7, 9)),
        ("stale-while-revalidate=0, stale-if-error=0", Lifetime(USUAL_S, 0, 0)),
        (
            "stale-while-revalidate=9999, stale-if-error=9999999",
            Lifetime(USUAL_S, LONGEST_REVALIDATE_S, ERROR_S),
        ),
        ("no-store, private, no-cache", Lifetime(USUAL_S)),
        ("max-age=-1", Lifetime(USUAL_S)),
        ("max-age=1.5", Lifetime(USUAL_S)),
        ("max-age=many", Lifetime(USUAL_S)),
        ("max-age=99999999999999999999", Lifetime(USUAL_S)),
        ("s-max-age=7", Lifetime(USUAL_S)),
    ],
)
def test_an_answer_says_how_long_it_may_be_believed(field: str, lifetime: Lifetime) -> None:
    assert read_lifetime(field, USUAL_S) == lifetime


def test_unless_said_otherwise_stale_answers_are_as_for_our_own_polls() -> None:
    assert read_lifetime("", USUAL_S).revalidate_s == REVALIDATE_S == 4


@given(st.text('max-age=stale-if-error" ,;0123456789\x00\xff', max_size=60))
def test_any_field_gives_spans_within_bounds(field: str) -> None:
    fresh_s, revalidate_s, error_s = read_lifetime(field, USUAL_S)
    assert fresh_s == USUAL_S or SHORTEST_S <= fresh_s <= LONGEST_S
    assert 0 <= revalidate_s <= LONGEST_REVALIDATE_S
    assert 0 <= error_s <= ERROR_S
