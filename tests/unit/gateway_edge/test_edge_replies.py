"""Answers as bytes (RFC 9112 4; RFC 9457)."""

from __future__ import annotations

import json

import pytest
from edge_answers_samples import take_apart

from gateway.edge.replies import problem_reply, reply_of
from room.errors import TABLE, Refused, SeatsyncError, Unavailable
from room.position import Position


def test_head_is_lines_without_what_the_exchange_adds() -> None:
    reply = reply_of(200, [("ETag", '"7.1"')], b"{}")
    assert reply.head == (
        b'HTTP/1.1 200 OK\r\nETag: "7.1"\r\nContent-Length: 2\r\n'
        b"Server: seatsync\r\nX-Content-Type-Options: nosniff\r\n"
    )
    assert reply.body == b"{}"


@pytest.mark.parametrize("status", [204, 304])
def test_what_has_no_body_has_no_length(status: int) -> None:
    assert b"Content-Length" not in reply_of(status, []).head


@pytest.mark.parametrize("code", TABLE)
def test_every_error_is_a_problem(code: str) -> None:
    sent = take_apart(problem_reply(SeatsyncError("so it is", code=code)))
    travel = TABLE[code]
    assert sent.status == travel.status
    assert sent.headers["content-type"] == "application/problem+json"
    assert sent.headers["cache-control"] == "no-store"
    problem = json.loads(sent.body)
    assert problem["type"] == f"urn:seatsync:error:{code}"
    assert (problem["title"], problem["status"]) == ("so it is", travel.status)
    assert (problem["code"], problem["retryable"]) == (code, travel.retryable)
    assert ("retry_after_ms" in problem) is travel.retryable
    assert ("retry-after" in sent.headers) is travel.retryable
    assert ("www-authenticate" in sent.headers) is (travel.status == 401)
    assert ("upgrade" in sent.headers) is (travel.status == 426)


def test_when_to_come_back_is_told_in_whole_seconds() -> None:
    sent = take_apart(problem_reply(Refused("slow", code="RATE_LIMITED", retry_after_ms=1200)))
    assert sent.headers["retry-after"] == "2"
    assert json.loads(sent.body)["retry_after_ms"] == 1200


def test_those_who_hear_of_one_error_do_not_come_back_together() -> None:
    error = Unavailable("the store does not answer")
    hints = {json.loads(problem_reply(error).body)["retry_after_ms"] for _ in range(20)}
    assert len(hints) > 1
    assert error.retry_after_ms is None


def test_where_the_room_stands_is_told_where_it_is_known() -> None:
    error = SeatsyncError("no", code="VERSION_MISMATCH", position=Position(7, 3))
    problem = json.loads(problem_reply(error).body)
    assert (problem["epoch"], problem["version"]) == (7, 3)


def test_methods_that_are_allowed_are_named() -> None:
    error = SeatsyncError("no", code="METHOD_NOT_ALLOWED")
    assert take_apart(problem_reply(error, "GET, HEAD")).headers["allow"] == "GET, HEAD"
