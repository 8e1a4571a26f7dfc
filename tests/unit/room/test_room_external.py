"""Bodies of documents that other services own."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.errors import InvalidArgument, Malformed
from room.external import read_document


def fingerprint(body: bytes) -> bytes:
    return read_document(body)[1]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"{}", b"{}"),
        (b' {\n\t"a" : [ 1 , 2.50 , 1E+05 ] }\r\n', b'{"a":[1,2.50,1E+05]}'),
        (b'{"a b":" \\u00e9\\/ \\ud83d\\ude00 "}', b'{"a b":" \\u00e9\\/ \\ud83d\\ude00 "}'),
        ('{"é": "\u2028"}'.encode(), '{"é":"\u2028"}'.encode()),
        (
            b'{"z":1, "a":-0.0, "m":0e9999999999999999999}',
            b'{"z":1,"a":-0.0,"m":0e9999999999999999999}',
        ),
        (b'{"n": 123456789012345678901234567890}', b'{"n":123456789012345678901234567890}'),
        (b'{"n": 0.10000000000000000555}', b'{"n":0.10000000000000000555}'),
        (b'{":": "{\\":\\",\\\\", "\\"": {"x": ":"}}', b'{":":"{\\":\\",\\\\","\\"":{"x":":"}}'),
    ],
)
def test_document_is_kept_as_it_is_written_but_for_white_space(body: bytes, data: bytes) -> None:
    assert read_document(body)[0] == data


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b"1", b'"{}"', b"true", b"[{}]"],
)
def test_body_that_is_no_object_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        read_document(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1,}',
        b"{}{}",
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":01}',
        b'{"a":1.}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\n"}',
        b"\xef\xbb\xbf{}",
        b'{"a":1}\x00',
    ],
)
def test_body_that_is_no_json_in_utf_8_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_document(body)


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> bytes:
    return f'{{"a":{opening * (depth - 1)}1{closing * (depth - 1)}}}'.encode()


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
def test_document_is_nested_at_most_32_deep(opening: str, closing: str) -> None:
    deepest = nested(32, opening, closing)
    assert read_document(deepest)[0] == deepest
    for depth in (33, 200, 900, 5_000, 10_000):
        with pytest.raises(InvalidArgument):
            read_document(nested(depth, opening, closing))


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'{"x":[{"a":{},"a":{}}]}',
        b'{"a":{"b":{"c":1}},"a":1}',
        b'{":":1,":":1}',
    ],
)
def test_key_that_stands_twice_is_invalid(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        read_document(body)


@pytest.mark.parametrize(
    "number",
    [
        "1e309",
        "-1e309",
        "1e9999999999999999999999",
        "1e-400",
        "-1E-9999999999999999999999",
        "9" * 400,
        "-" + "9" * 400,
        "9" * 5000,
        "1" * 320 + ".5",
    ],
    ids=lambda number: number[:12],
)
def test_number_that_no_double_stands_for_is_invalid(number: str) -> None:
    with pytest.raises(InvalidArgument):
        read_document(f'{{"a":[{number}]}}'.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3", "3.0"),
        ("300", "3e2"),
        ("300", "0.003E+5"),
        ("-12.50", "-125e-1"),
        ("0", "-0.0"),
        ("0", "-0"),
        ("0", "0.00e-9999999999999999999"),
        ("1" + "0" * 300, "1e300"),
        ("10", "1e" + "0" * 6000 + "1"),
        ("1", "0." + "0" * 3000 + "1e3001"),
        ('"é"', '"\\u00e9"'),
        ('"/"', '"\\/"'),
        ('{"x":1,"y":[2]}', '{"y":[2.0],"x":1}'),
    ],
    ids=lambda text: text[:12],
)
def test_equal_values_have_equal_fingerprints(one: str, other: str) -> None:
    assert fingerprint(f'{{"a":{one}}}'.encode()) == fingerprint(f'{{ "a": {other} }}'.encode())


DIFFERENT = [
    b"{}",
    b'{"a":null}',
    b'{"a":false}',
    b'{"a":true}',
    b'{"a":0}',
    b'{"a":1}',
    b'{"a":-1}',
    b'{"a":10}',
    b'{"a":0.1}',
    b'{"a":0.10000000000000000555}',
    b'{"a":9007199254740992}',
    b'{"a":9007199254740993}',
    b'{"a":"1"}',
    b'{"a":"1e0"}',
    b'{"a":""}',
    b'{"a":[]}',
    b'{"a":{}}',
    b'{"a":[1]}',
    b'{"a":[1,2]}',
    b'{"a":[2,1]}',
    b'{"b":1}',
]


def test_different_values_have_different_fingerprints() -> None:
    assert len({fingerprint(body) for body in DIFFERENT}) == len(DIFFERENT)


def test_fingerprint_is_a_sha_256() -> None:
    assert {len(fingerprint(body)) for body in DIFFERENT} == {32}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


def backwards(value: Any) -> Any:
    """The same value with the keys of its objects the other way round."""
    match value:
        case list():
            return [backwards(item) for item in value]
        case dict():
            return {key: backwards(value[key]) for key in reversed(value)}
        case _:
            return value


@given(st.dictionaries(st.text(max_size=4), VALUES), st.booleans())
def test_notation_of_a_value_does_not_matter(value: dict[str, Any], ascii_only: bool) -> None:
    body = json.dumps(value, indent=1, ensure_ascii=ascii_only).encode()
    other = json.dumps(backwards(value), ensure_ascii=not ascii_only).encode()
    data, digest = read_document(body)
    assert json.loads(data) == value
    assert digest == fingerprint(other) == fingerprint(data)


@given(st.dictionaries(st.text(max_size=4), VALUES))
def test_what_was_read_reads_again_as_itself(value: dict[str, Any]) -> None:
    data, digest = read_document(json.dumps(value).encode())
    assert read_document(data) == (data, digest)
    msgspec.json.decode(data)


@given(
    st.binary(max_size=200)
    | st.text(alphabet='{}[]":,\\ u0d8e+-.1ntrf', max_size=60).map(str.encode)
)
def test_arbitrary_bytes_raise_only_the_two_errors(body: bytes) -> None:
    try:
        data, _ = read_document(body)
    except (Malformed, InvalidArgument):
        return
    assert isinstance(json.loads(data), dict)
