"""A token is good by the quick way if and only if the library says so too."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens.signatures import MAX_HEADERS, Signatures
from room.errors import Unauthenticated

SECRET = b"a secret of thirty-two bytes or more"
CLAIMS = {"sub": "ann", "exp": 4_000_000_000}


def sign(secret: bytes = SECRET, headers: dict[str, object] | None = None) -> str:
    return jwt.encode(CLAIMS, secret, algorithm="HS256", headers=headers)


@pytest.fixture
def seasoned() -> Signatures:
    """One that has accepted the usual header before."""
    signatures = Signatures(SECRET)
    assert json.loads(signatures.payload(sign())) == CLAIMS
    return signatures


def test_the_quick_way_gives_the_same_payload(seasoned: Signatures) -> None:
    assert seasoned._known(sign()) == seasoned.payload(sign()) == Signatures(SECRET).payload(sign())


def test_a_header_that_nobody_has_judged_does_not_take_the_quick_way() -> None:
    assert Signatures(SECRET)._known(sign()) is None


@pytest.mark.parametrize(
    "name", ["other key", "no signature", "none", "cut", "longer", "two parts"]
)
def test_what_does_not_hold_is_refused_though_its_header_is_known(
    seasoned: Signatures, name: str
) -> None:
    head, body, signature = sign().split(".")
    nothing = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    bad = {
        "other key": sign(b"another secret of thirty-two bytes.."),
        "no signature": f"{head}.{body}.",
        "none": f"{nothing}.{body}.",
        "cut": f"{head}.{body}.{signature[:-1]}",
        "longer": f"{head}.{body}.{signature}A",
        "two parts": f"{head}.{body}",
    }[name]
    with pytest.raises(Unauthenticated):
        seasoned.payload(bad)


def test_a_critical_extension_is_refused_every_time(seasoned: Signatures) -> None:
    token = sign(headers={"crit": ["x"], "x": 1})
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            seasoned.payload(token)


def test_no_more_headers_are_remembered_than_a_few(seasoned: Signatures) -> None:
    for number in range(3 * MAX_HEADERS):
        assert seasoned.payload(sign(headers={"kid": str(number)}))
    assert len(seasoned._headers) == MAX_HEADERS


@given(at=st.integers(0, 10_000), letter=st.sampled_from("AQz0_-.=+ é"))
def test_one_changed_letter_is_judged_as_the_library_judges_it(at: int, letter: str) -> None:
    seasoned = Signatures(SECRET)
    token = sign()
    seasoned.payload(token)
    at %= len(token)
    changed = token[:at] + letter + token[at + 1 :]
    try:
        by_the_library: bytes | None = Signatures(SECRET).payload(changed)
    except Unauthenticated:
        by_the_library = None
    try:
        quickly: bytes | None = seasoned.payload(changed)
    except Unauthenticated:
        quickly = None
    assert quickly == by_the_library
