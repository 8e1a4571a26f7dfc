from __future__ import annotations

import re
from pathlib import Path

import pytest

import room.errors
from room.errors import (
    TABLE,
    InvalidArgument,
    Malformed,
    Refused,
    RoomNotFound,
    SeatsyncError,
    Unauthenticated,
    Unavailable,
)
from room.position import Position

PROTOCOL: dict[str, int] = {
    "INVALID_ARGUMENT": 400,
    "UNKNOWN_COMMAND": 400,
    "MALFORMED": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "TARGET_OUTRANKS": 403,
    "USER_BANNED": 403,
    "MUTED_BY_ADMIN": 403,
    "SILENCED": 403,
    "ROOM_NOT_FOUND": 404,
    "SEAT_NOT_FOUND": 404,
    "REQUEST_NOT_FOUND": 404,
    "DOC_NOT_FOUND": 404,
    "PLAY_SPEC_UNKNOWN": 404,
    "SEAT_OCCUPIED": 409,
    "SEAT_LOCKED": 409,
    "SEAT_RESERVED": 409,
    "SEAT_CHANGED": 409,
    "ALREADY_ON_SEAT": 409,
    "NOT_ON_SEAT": 409,
    "NO_FREE_SEAT": 409,
    "IN_OTHER_ROOM": 409,
    "APPROVAL_REQUIRED": 409,
    "INVITE_REQUIRED": 409,
    "SESSION_NOT_LIVE": 409,
    "SESSION_ALREADY_LIVE": 409,
    "PLAY_ALREADY_RUNNING": 409,
    "USER_OFFLINE": 409,
    "QUEUE_FULL": 409,
    "CONFLICT_RETRY": 409,
    "REQUEST_EXPIRED": 410,
    "VERSION_MISMATCH": 412,
    "TOO_LARGE": 413,
    "UNSUPPORTED_ENCODING": 415,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "CONTENT_REJECTED": 422,
    "UPGRADE_REQUIRED": 426,
    "RATE_LIMITED": 429,
    "UNAVAILABLE": 503,
    "OVERLOADED": 503,
}
"""The table of PROTOCOL.md 5, written out again."""

OUTSIDE_THE_PROTOCOL = {"NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405}
RETRYABLE = {"CONFLICT_RETRY", "UNAVAILABLE", "OVERLOADED", "RATE_LIMITED"}
CLOSE = {
    "UNAUTHENTICATED": 4500,
    "FORBIDDEN": 4501,
    "ROOM_NOT_FOUND": 4502,
    "UPGRADE_REQUIRED": 4504,
    "OVERLOADED": 4002,
    "UNAVAILABLE": 4002,
    "TOO_LARGE": 1009,
}


@pytest.mark.parametrize("code", sorted(TABLE))
def test_http_status_is_the_one_of_the_protocol(code: str) -> None:
    assert TABLE[code].status == {**PROTOCOL, **OUTSIDE_THE_PROTOCOL}[code]


@pytest.mark.parametrize("code", sorted(TABLE))
def test_only_conflicts_and_overload_are_retryable(code: str) -> None:
    assert TABLE[code].retryable is (code in RETRYABLE)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_close_code_says_come_back_exactly_where_a_retry_may_help(code: str) -> None:
    close = TABLE[code].close
    assert close == CLOSE.get(code, 4002 if code in RETRYABLE else 4501)
    if close != 1009:
        assert (4000 <= close < 4500) is TABLE[code].retryable


def test_every_code_named_in_the_source_is_in_the_table() -> None:
    root = Path(room.errors.__file__).parent.parent
    sources = [
        path
        for top in ("room", "store", "poller", "gateway")
        for path in (root / top).rglob("*.py")
    ]
    named = {
        code
        for path in sources
        for code in re.findall(r'\bcode\s*=\s*"([A-Z_]+)"', path.read_text(encoding="utf-8"))
    }
    assert "SEAT_OCCUPIED" in named
    assert named - TABLE.keys() == set()


def test_error_carries_its_facts() -> None:
    error = SeatsyncError(
        "try later", code="OVERLOADED", retry_after_ms=250, position=Position(1, 2)
    )
    assert str(error) == error.message == "try later"
    assert error.code == "OVERLOADED"
    assert error.retry_after_ms == 250
    assert error.position == Position(1, 2)
    assert error.travel == TABLE["OVERLOADED"]


def test_facts_are_absent_unless_given() -> None:
    error = Unavailable("no answer")
    assert error.retry_after_ms is None
    assert error.position is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidArgument("x"), "INVALID_ARGUMENT"),
        (Malformed("x"), "MALFORMED"),
        (Unauthenticated("x"), "UNAUTHENTICATED"),
        (RoomNotFound("demo"), "ROOM_NOT_FOUND"),
        (Unavailable("x"), "UNAVAILABLE"),
        (Refused("x", code="SEAT_LOCKED"), "SEAT_LOCKED"),
    ],
)
def test_each_class_has_its_code(error: SeatsyncError, code: str) -> None:
    assert error.code == code
    assert isinstance(error, SeatsyncError)


def test_code_of_one_error_does_not_leak_into_its_class() -> None:
    SeatsyncError("x", code="FORBIDDEN")
    assert SeatsyncError("x").code == "UNAVAILABLE"


def test_room_not_found_keeps_the_room_out_of_its_sentence() -> None:
    error = RoomNotFound("secret-room")
    assert error.room == "secret-room"
    assert "secret-room" not in error.message
