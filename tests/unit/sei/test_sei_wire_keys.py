from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.errors import InvalidArgument, Malformed, SeatsyncError
from sei.wire import base64url
from sei.wire.keys import (
    _SMALL_ORDER,
    KEY_BYTES,
    MAX_KEY_SET_BYTES,
    MAX_KEYS,
    KeySet,
    PublicKey,
    public_part,
    read_key_set,
    write_key_set,
)

PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int]
RAW = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


def usable(raw: bytes) -> bool:
    try:
        PublicKey("k", raw)
    except InvalidArgument:
        return False
    return True


def add(a: Point, b: Point) -> Point:
    """Add two points of edwards25519 (RFC 8032 5.1.4, affine)."""
    k = D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + k, -1, PRIME)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, PRIME)
    return x % PRIME, y % PRIME


def point(raw: bytes) -> Point:
    """Decode a point, whichever sign (RFC 8032 5.1.3)."""
    y = int.from_bytes(raw, "little") % PRIME
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    assert (x * x - square) % PRIME == 0
    return x, y


@pytest.mark.parametrize("raw", sorted(_SMALL_ORDER), ids=bytes.hex)
def test_a_point_whose_order_divides_eight_is_no_key(raw: bytes) -> None:
    eightfold = point(raw)
    for _ in range(3):
        eightfold = add(eightfold, eightfold)
    assert eightfold == (0, 1)
    assert not usable(raw)
    assert not usable(raw[:-1] + bytes((raw[-1] | 0x80,)))


@given(st.dictionaries(st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True), RAW, max_size=5))
def test_a_key_set_reads_back_as_it_was_written(keys: dict[str, bytes]) -> None:
    written = KeySet(PublicKey(name, raw) for name, raw in keys.items() if usable(raw))
    body = write_key_set(written)
    assert read_key_set(body) == written
    assert public_part(body) == body


def test_keys_are_found_by_their_id() -> None:
    one, two = PublicKey("one", b"\x02" * 32), PublicKey("two", b"\x03" * 32)
    keys = KeySet([one, two])
    assert (keys.get("two"), keys.get("three")) == (two, None)
    assert ("one" in keys, "three" in keys, len(keys), list(keys)) == (True, False, 2, [one, two])
    assert keys != KeySet([one])
    assert {one, two, PublicKey("one", b"\x02" * 32)} == {one, two}
    assert repr(one) == "PublicKey('one', x='AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI')"


def test_keys_that_are_not_for_streams_are_counted() -> None:
    entries = [*json.loads(write_key_set([PublicKey("k", b"\x02" * 32)]))["keys"], {"kty": "EC"}]
    keys = read_key_set(json.dumps({"keys": entries}).encode())
    assert (len(keys), keys.passed_over) == (1, 1)


@pytest.mark.parametrize("raw", [b"", b"\x02" * 31, b"\x02" * 33])
def test_a_key_has_32_bytes(raw: bytes) -> None:
    with pytest.raises(InvalidArgument, match="32 bytes"):
        PublicKey("k", raw)


def test_a_set_has_bounds() -> None:
    with pytest.raises(InvalidArgument, match="at most 32 keys"):
        KeySet(PublicKey(f"k{n}", b"\x02" * 32) for n in range(MAX_KEYS + 1))
    with pytest.raises(InvalidArgument, match="bytes"):
        read_key_set(b" " * (MAX_KEY_SET_BYTES + 1))


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b'{"keys":[', b"[" * 5000])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_key_set(body)


MEMBERS: Any = st.dictionaries(
    st.sampled_from(["kty", "crv", "kid", "x", "use", "alg", "key_ops", "n"]),
    st.sampled_from(["OKP", "Ed25519", "sig", "EdDSA", "k", "A" * 43, "A" * 42 + "E", "é", "\0"])
    | st.integers()
    | st.none()
    | st.lists(st.sampled_from(["verify", "sign", 1, None]))
    | st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2),
)


@given(st.lists(MEMBERS, max_size=4))
def test_no_document_raises_but_our_errors(entries: list[Any]) -> None:
    try:
        keys = read_key_set(json.dumps({"keys": entries}).encode())
    except SeatsyncError:
        return
    assert len(keys) + keys.passed_over == len(entries)


@given(st.binary(max_size=80))
def test_no_bytes_raise_but_our_errors(body: bytes) -> None:
    try:
        read_key_set(body)
    except SeatsyncError as error:
        assert error.code in ("MALFORMED", "INVALID_ARGUMENT")  # noqa: PT017 - either is a refusal


@given(st.binary(max_size=70))
def test_base64url_reads_back_what_it_wrote(value: bytes) -> None:
    assert base64url.read_exactly(base64url.write(value), len(value)) == value


@given(st.text(alphabet="AB-_=+/ \né", max_size=8), st.integers(0, 6))
def test_base64url_has_one_text_for_a_value(text: str, size: int) -> None:
    value = base64url.read_exactly(text, size)
    assert value is None or (len(value) == size and base64url.write(value) == text)
