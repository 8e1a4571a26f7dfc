"""Waits between attempts."""

from __future__ import annotations

from sei.backoff import Backoff


def test_bound_doubles_up_to_its_cap() -> None:
    backoff = Backoff(0.5, 3.0, draw=lambda: 1.0)
    assert [backoff.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_wait_is_anywhere_under_the_bound() -> None:
    assert Backoff(2.0, draw=lambda: 0.25).next_s() == 0.5


def test_who_lived_long_begins_anew() -> None:
    backoff = Backoff(0.5, 30.0, lived_s=10, draw=lambda: 1.0)
    waits = [backoff.next_s(), backoff.next_s(9.9), backoff.next_s(10), backoff.next_s()]
    assert waits == [0.5, 1.0, 0.5, 1.0]


def test_failures_without_end_overflow_nothing() -> None:
    backoff = Backoff(0.5, 15.0, draw=lambda: 1.0)
    assert {backoff.next_s() for _ in range(5000)} == {0.5, 1.0, 2.0, 4.0, 8.0, 15.0}
