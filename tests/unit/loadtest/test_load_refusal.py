"""Which refusals are fair, and when to come back."""

from __future__ import annotations

import json

import pytest

from loadtest.refusal import Refusal, read_bye, read_problem


def bye(code: int, **fields: object) -> bytes:
    return json.dumps({"type": "bye", "code": code, "reason": "", **fields}).encode()


def test_the_body_says_it_finer_than_the_header() -> None:
    body = json.dumps({"code": "OVERLOADED", "retry_after_ms": 1234}).encode()
    assert read_problem(503, {"retry-after": "2"}, body) == Refusal("OVERLOADED", 1234)


@pytest.mark.parametrize("body", [None, b"", b"<html>", b"[]", b'{"retry_after_ms":true}'])
def test_without_a_body_of_ours_the_header_counts(body: bytes | None) -> None:
    assert read_problem(503, {"retry-after": "2"}, body) == Refusal("status 503", 2000)


@pytest.mark.parametrize("header", ["soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_header_that_is_no_number_of_seconds_is_no_hint(header: str) -> None:
    assert read_problem(503, {"retry-after": header}, b"").retry_after_ms is None


@pytest.mark.parametrize(
    ("refusal", "fair"),
    [
        (read_bye(bye(4000, retry_after_ms=800)), True),
        (read_bye(bye(4002, retry_after_ms=800)), True),
        (Refusal("OVERLOADED", 800), True),
        (Refusal("RATE_LIMITED", 800), True),
        (Refusal("OVERLOADED"), False),
        (read_bye(bye(4002)), False),
        (read_bye(bye(4500, retry_after_ms=800)), False),
        (read_bye(b"not json"), False),
        (Refusal("UNAVAILABLE", 800), False),
        (Refusal("status 503", 800), False),
    ],
)
def test_fair_is_who_may_send_away_under_load_and_says_for_how_long(
    refusal: Refusal, fair: bool
) -> None:
    assert refusal.is_fair is fair
