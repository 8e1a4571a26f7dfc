from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from room import wire
from room.errors import InvalidArgument, Malformed


class Sample(msgspec.Struct):
    number: int
    text: str = ""


SAMPLE: msgspec.json.Decoder[Sample] = msgspec.json.Decoder(Sample)

BROKEN = [
    b"",
    b" ",
    b"{",
    b'{"number":1',
    b'{"number":1}}',
    b'{"number":1} x',
    b'{"number":1,}',
    b"{'number':1}",
    b'{"number":NaN}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe",
    b'{"number":1,"text":"\xff"}',
    b'{"number":1,"text":"\xed\xa0\x80"}',
    b'{"number":1,"text":"\\ud800"}',
    b'{"number":1,"text":"a\nb"}',
    b'{"number":1,"other":"\\q"}',
    b'{"number":"wrong","text":',
]


@pytest.mark.parametrize("body", BROKEN)
def test_bytes_that_are_not_json_in_utf_8_are_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        wire.read(SAMPLE, body)


@pytest.mark.parametrize("body", [b'{"number":1,"other":"\xff"}', b'{"number":1,"\xff":0}'])
def test_bytes_outside_utf_8_are_malformed_in_unknown_fields_too(body: bytes) -> None:
    with pytest.raises(Malformed):
        wire.read(SAMPLE, body)


@pytest.mark.parametrize(
    "body", [b"[]", b"1", b"null", b"{}", b'{"number":"1"}', b'{"number":1.5}']
)
def test_json_of_the_wrong_shape_is_an_invalid_argument(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        wire.read(SAMPLE, body)


def test_broken_json_is_malformed_even_where_its_shape_is_wrong_already() -> None:
    with pytest.raises(Malformed):
        wire.read(SAMPLE, b'{"number":"wrong"} and more')


@pytest.mark.parametrize("opening", [b"[", b'{"number":'])
def test_nesting_beyond_reason_is_malformed(opening: bytes) -> None:
    with pytest.raises(Malformed):
        wire.read(wire.ANY, opening * 100_000)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5000])
def test_number_beyond_range_is_an_invalid_argument(number: bytes) -> None:
    with pytest.raises(InvalidArgument):
        wire.read(wire.ANY, number)


@given(st.binary())
def test_arbitrary_bytes_raise_only_the_two_errors(body: bytes) -> None:
    for decoder in (wire.ANY, SAMPLE):
        try:
            wire.read(decoder, body)
        except (Malformed, InvalidArgument):
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_of_another_encoder_reads_as_the_same_value(value: Any) -> None:
    assert wire.read(wire.ANY, json.dumps(value, ensure_ascii=False).encode()) == value


@given(JSON)
def test_encoded_values_read_back_without_spaces(value: Any) -> None:
    body = wire.encode(value)
    assert json.loads(body) == value
    assert body == json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()


def test_shape_gives_the_typed_value_or_says_where() -> None:
    assert wire.shape(Sample, {"number": 1, "unknown": 2}) == Sample(1)
    with pytest.raises(InvalidArgument, match="number"):
        wire.shape(Sample, {"number": "1"})
