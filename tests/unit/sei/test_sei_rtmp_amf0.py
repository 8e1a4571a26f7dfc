from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sei.errors import BadRtmp
from sei.rtmp.amf0 import (
    MAX_DEPTH,
    MAX_VALUES,
    UNDEFINED,
    Date,
    EcmaArray,
    Value,
    decode,
    encode,
    first_string,
)

numbers = st.floats(allow_nan=False)
names = st.text(st.characters(codec="utf-8"), max_size=20)
texts = names | st.just("long" * 20_000)
leaves = st.booleans() | numbers | names | st.none() | st.just(UNDEFINED) | st.builds(Date, numbers)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(names, inner, max_size=4)
        | st.dictionaries(names, inner, max_size=4).map(EcmaArray)
    ),
    max_leaves=10,
)


@given(st.lists(values, max_size=4))
@example(["long" * 20_000])
@example([{"": 1.0, "a": {"": None}}])
def test_what_was_written_is_read(written: list[Value]) -> None:
    read = decode(encode(*written))
    assert read == written
    assert [type(value) for value in read] == [type(value) for value in written]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "003ff0000000000000"),
        (True, "0101"),
        ("live", "0200046c697665"),
        ({"app": "a"}, "0300036170700200016100000 9".replace(" ", "")),
        (None, "05"),
        (UNDEFINED, "06"),
        (EcmaArray({"n": 0.0}), "080000000100016e000000000000000000000009"),
        ([True, None], "0a00000002010105"),
        (Date(1.0), "0b3ff00000000000000000"),
    ],
)
def test_bytes_are_those_of_the_specification(value: Value, expected: str) -> None:
    assert encode(value).hex() == expected
    assert decode(bytes.fromhex(expected)) == [value]


def test_not_a_number_survives() -> None:
    (number,) = decode(encode(math.nan))
    assert isinstance(number, float)
    assert math.isnan(number)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(encoded: bytes) -> None:
    with suppress(BadRtmp):
        decode(encoded)
    with suppress(BadRtmp):
        first_string(encoded)


@given(st.lists(values, min_size=1, max_size=3), st.data())
def test_cut_values_are_refused_or_fewer(written: list[Value], data: st.DataObject) -> None:
    encoded = encode(*written)
    end = data.draw(st.integers(0, len(encoded) - 1))
    with suppress(BadRtmp):
        assert len(decode(encoded[:end])) < len(written)


@pytest.mark.parametrize("marker", [4, 7, 9, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0xFF])
def test_types_that_nobody_needs_are_refused(marker: int) -> None:
    with pytest.raises(BadRtmp, match=f"type {marker}$"):
        decode(bytes((marker,)))


@pytest.mark.parametrize(
    "encoded",
    [
        b"\x0a\x00\x00\x00\x01" * (MAX_DEPTH + 2),
        b"\x03\x00\x01a" * (MAX_DEPTH + 2),
        b"\x05" * (MAX_VALUES + 1),
        b"\x0a\xff\xff\xff\xff" + b"\x05" * 10,
        b"\x0a\x00\x00\x10\x00" + b"\x05" * MAX_VALUES,
    ],
    ids=["deep arrays", "deep objects", "many", "endless array", "full array"],
)
def test_depth_and_number_are_bounded(encoded: bytes) -> None:
    with pytest.raises(BadRtmp, match=r"more values|an array of|ends within"):
        decode(encoded)


def test_strings_must_be_utf_8() -> None:
    with pytest.raises(BadRtmp, match="UTF-8"):
        decode(b"\x02\x00\x01\xff")


def test_name_of_a_message_is_read_without_the_rest() -> None:
    encoded = encode("onMetaData")
    assert first_string(encoded + b"\xff") == ("onMetaData", len(encoded))
    with pytest.raises(BadRtmp, match="name"):
        first_string(encode(1.0))


def test_names_too_long_cannot_be_written() -> None:
    with pytest.raises(BadRtmp, match="65536"):
        encode({"n" * 65_536: None})
