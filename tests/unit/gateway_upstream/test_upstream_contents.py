from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.contents import read_content
from gateway.upstream.faults import UpstreamFault
from room.position import LARGEST, Position


def read(**members: Any) -> Any:
    return read_content(json.dumps(members).encode())


def test_an_object_is_the_document_as_it_is() -> None:
    content = read_content(b' { "seats" : [1.0, 2], "version":2,"epoch":1 }')
    assert content.position == Position(1, 2)
    assert content.ts_ms is None
    assert content.data == b'{"seats":[1.0,2],"version":2,"epoch":1}'


@pytest.mark.parametrize("more", [{}, {"ts": 5}, {"ts": "today"}])
def test_an_envelope_is_left_aside(more: dict[str, Any]) -> None:
    content = read(epoch=1, version=2, data={"seats": []}, **more)
    assert content.data == b'{"seats":[]}'
    assert content.ts_ms == (5 if more.get("ts") == 5 else None)


@pytest.mark.parametrize(
    "members",
    [
        {"data": {"a": 1}, "more": 1},
        {"data": [1]},
        {"data": None},
        {"data": "{}"},
        {"seats": []},
        {},
    ],
)
def test_what_is_no_envelope_is_a_document(members: dict[str, Any]) -> None:
    content = read(epoch=1, version=2, **members)
    assert json.loads(content.data) == {"epoch": 1, "version": 2, **members}


def test_position_and_time_may_reach_as_far_as_the_protocol_does() -> None:
    content = read(epoch=0, version=LARGEST, ts=LARGEST)
    assert (content.position, content.ts_ms) == (Position(0, LARGEST), LARGEST)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"epoch": 1},
        {"version": 1},
        {"data": {"epoch": 1, "version": 1}},
        {"epoch": None, "version": 1},
        {"epoch": "1", "version": 1},
        {"epoch": 1.0, "version": 1},
        {"epoch": True, "version": 1},
        {"epoch": -1, "version": 1},
        {"epoch": 1, "version": LARGEST + 1},
        {"epoch": 1, "version": [1]},
    ],
)
def test_a_position_is_never_made_up(members: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFault, match="names no position") as fault:
        read(**members)
    assert fault.value.reason == "no_position"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "bad_json"),
        (b"<html>", "bad_json"),
        (b'{"epoch":1,"version":1', "bad_json"),
        (b'{"epoch":1,"version":1,"a":"\xff"}', "bad_json"),
        (b"[1]", "bad_document"),
        (b"null", "bad_document"),
        (b'{"epoch":1,"version":1,"version":2}', "bad_document"),
        (b'{"epoch":1,"version":1,"a":1e999}', "bad_document"),
        (b'{"epoch":1,"version":1,"a":' + b"[" * 40 + b"]" * 40 + b"}", "bad_document"),
    ],
)
def test_what_cannot_be_a_document_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(UpstreamFault) as fault:
        read_content(body)
    assert fault.value.reason == reason


def test_equal_values_have_equal_fingerprints() -> None:
    one = read_content(b'{"epoch":1,"version":1,"a":1.0}')
    other = read_content(b'{"a":1, "version":1,"epoch":1}')
    third = read_content(b'{"a":2, "version":1,"epoch":1}')
    assert one.fingerprint == other.fingerprint != third.fingerprint


@given(st.binary(max_size=80))
def test_any_bytes_give_a_document_or_a_fault(body: bytes) -> None:
    try:
        content = read_content(body)
    except UpstreamFault:
        return
    assert max(content.position) <= LARGEST
