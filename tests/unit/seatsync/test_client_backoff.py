from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatsync.backoff import (
    CAP_MS,
    LONGEST_HINT_MS,
    SHORTEST_HINT_MS,
    full_jitter_ms,
    retry_delay_ms,
    spread_ms,
)

draws = st.floats(0, 1)


@pytest.mark.parametrize(
    ("failures", "bound_ms"), [(0, 500), (1, 1000), (5, 16_000), (6, 30_000), (10_000, 30_000)]
)
def test_bound_doubles_with_each_failure_up_to_the_cap(failures: int, bound_ms: int) -> None:
    assert full_jitter_ms(failures, 1.0) == bound_ms
    assert full_jitter_ms(failures, 0.5) == bound_ms // 2
    assert full_jitter_ms(failures, 0.0) == 0


@given(st.integers(0, 10**6), draws)
def test_wait_is_never_negative_nor_over_the_cap(failures: int, draw: float) -> None:
    assert 0 <= full_jitter_ms(failures, draw) <= CAP_MS


def test_hint_of_the_server_overrides_the_jitter() -> None:
    assert retry_delay_ms(2345, 7, 0.9) == 2345
    assert retry_delay_ms(None, 7, 0.9) == full_jitter_ms(7, 0.9)


@given(st.integers(-(10**12), 10**12))
def test_hint_is_held_within_reason(hint_ms: int) -> None:
    assert SHORTEST_HINT_MS <= retry_delay_ms(hint_ms, 0, 0.0) <= LONGEST_HINT_MS


def test_interval_is_spread_by_a_fifth_to_both_sides() -> None:
    assert [spread_ms(1000, draw) for draw in (0.0, 0.5, 1.0)] == [800, 1000, 1200]
