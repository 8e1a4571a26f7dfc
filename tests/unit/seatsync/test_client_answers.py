from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatsync.sources.answers import retry_after_ms

NOW = datetime(2024, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "expected_ms"),
    [
        ("3", 3000),
        (" 0 ", 0),
        ("Thu, 21 Nov 2024 12:00:07 GMT", 7000),
        ("Thu, 21 Nov 2024 12:00:07 -0000", 7000),
        ("Thu, 21 Nov 2024 11:00:00 GMT", 0),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(field: str, expected_ms: int | None) -> None:
    assert retry_after_ms(field, NOW) == expected_ms


@given(st.text() | st.from_regex(r"\A\w{3}, \d{1,3} \w{3} \d{1,6} \d+:\d+:\d+ [+-]?\w{1,6}\Z"))
def test_arbitrary_retry_after_is_a_wait_or_nothing(field: str) -> None:
    wait_ms = retry_after_ms(field, NOW)
    assert wait_ms is None or wait_ms >= 0
