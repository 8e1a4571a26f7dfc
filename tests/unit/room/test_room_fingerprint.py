"""The canonical form that tells a resend from a reused key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.commands import read_envelope, read_request


def fingerprint(body: bytes) -> bytes:
    return read_request(read_envelope(body)).fingerprint


def of(**envelope: Any) -> bytes:
    return fingerprint(json.dumps({"cmd": "seat.leave", "cmd_id": "c", **envelope}).encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"cmd":"seat.leave","cmd_id":"c"}', b'{"cmd_id":"c", "cmd":"seat.leave"}'),
        (b'{"cmd":"seat.leave","cmd_id":"c"}', b'{"cmd":"seat.leave","cmd_id":"c","args":{}}'),
        (b'{"cmd":"seat.leave","cmd_id":"c"}', b'{"cmd":"seat.leave","cmd_id":"c","args":null}'),
        (
            b'{"cmd":"seat.leave","cmd_id":"c"}',
            b'{"cmd":"seat.leave","cmd_id":"c","if_version":null}',
        ),
        (
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":3}}',
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":3.0}}',
        ),
        (
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":[{"b":-0.0}]}}',
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":[{"b":0}]}}',
        ),
        (
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":1e2}}',
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":100}}',
        ),
        (
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":"\\u00e9"}}',
            '{"cmd":"seat.leave","cmd_id":"c","args":{"a":"é"}}'.encode(),
        ),
        (
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"a":1,"b":{"c":2,"d":3}}}',
            b'{"cmd":"seat.leave","cmd_id":"c","args":{"b":{"d":3,"c":2},"a":1}}',
        ),
    ],
)
def test_equal_values_have_equal_fingerprints(one: bytes, other: bytes) -> None:
    assert fingerprint(one) == fingerprint(other)


def test_fields_that_are_no_content_do_not_count() -> None:
    assert of(room="a", type="cmd", unknown=1) == of()
    assert of(cmd_id="another") == of()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"cmd": "seat.leave"}, {"cmd": "session.end"}),
        ({"args": {"a": 1}}, {"args": {"a": 2}}),
        ({"args": {"a": 1}}, {"args": {"a": True}}),
        ({"args": {"a": 1}}, {"args": {"a": "1"}}),
        ({"args": {"a": 1}}, {"args": {"a": 1.5}}),
        ({"args": {"a": None}}, {"args": {}}),
        ({"args": {"a": [1, 2]}}, {"args": {"a": [2, 1]}}),
        ({"if_version": "1.2"}, {}),
        ({"if_version": "1.2"}, {"if_version": "1.3"}),
        ({"args": {"unknown": 1}}, {"args": {}}),
    ],
)
def test_other_content_has_another_fingerprint(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert of(**one) != of(**other)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


def shuffled(value: Any) -> Any:
    """The same value with its keys the other way round and its integers as floats."""
    match value:
        case bool():
            return value
        case int():
            return float(value)
        case list():
            return [shuffled(item) for item in value]
        case dict():
            return {key: shuffled(value[key]) for key in reversed(value)}
        case _:
            return value


@given(st.dictionaries(st.text(max_size=4), VALUES))
def test_order_of_keys_and_form_of_numbers_do_not_matter(args: dict[str, Any]) -> None:
    assert of(args=args) == of(args=shuffled(args))


@given(st.dictionaries(st.text(max_size=4), VALUES), st.dictionaries(st.text(max_size=4), VALUES))
def test_fingerprints_are_equal_only_for_equal_arguments(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (of(args=one) == of(args=other)) is same
