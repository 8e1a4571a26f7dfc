from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from sei.wire.refresh import Refresh


def test_the_first_attempt_is_due_at_once_and_counts_as_made() -> None:
    refresh = Refresh()
    assert refresh.begin(-5.0)
    assert not refresh.begin(-5.0)


def test_a_set_is_renewed_after_ten_minutes() -> None:
    refresh = Refresh()
    refresh.begin(0.0)
    assert refresh.due_in_s(1.0) == 599.0
    assert not refresh.begin(math.nextafter(600.0, 0))
    assert refresh.begin(600.0)


def test_an_unknown_key_has_it_renewed_at_once_but_a_minute_apart() -> None:
    refresh = Refresh()
    refresh.begin(0.0)
    refresh.met_unknown()
    assert refresh.due_in_s(59.0) == 1.0
    assert refresh.begin(60.0)
    assert refresh.due_in_s(60.0) == 600.0
    refresh.met_unknown()
    assert refresh.begin(500.0)


def test_a_failed_attempt_is_made_again_after_a_minute() -> None:
    refresh = Refresh()
    refresh.begin(0.0)
    refresh.failed()
    assert not refresh.begin(59.0)
    assert refresh.begin(60.0)
    assert refresh.due_in_s(61.0) == 599.0


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans(), st.booleans()), max_size=200))
def test_attempts_are_never_closer_than_a_minute(steps: list[tuple[float, bool, bool]]) -> None:
    refresh, now_s, made = Refresh(), 0.0, []
    for wait_s, unknown, fails in steps:
        now_s += wait_s
        if unknown:
            refresh.met_unknown()
        if refresh.begin(now_s):
            made.append(now_s)
            if fails:
                refresh.failed()
    assert all(after - before >= 60 - 1e-6 for before, after in itertools.pairwise(made))
