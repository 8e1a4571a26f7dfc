from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens.authenticator import Authenticator, bearer_token, issue
from gateway.tokens.bearer import ANONYMOUS
from gateway.tokens.signatures import Signatures
from room.errors import Unauthenticated

SECRET = b"a secret of the tests, long enough"


class Clock:
    """Stands still until moved."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def test_a_token_is_refused_from_its_very_deadline_on() -> None:
    clock = Clock()
    authenticator = Authenticator(SECRET, clock)
    token = issue(SECRET, {"sub": "bob", "exp": 1010})
    for clock.now_s in (1000.0, 1009.999):
        bearer = authenticator.authenticate(token)
        assert bearer.actor is not None
        assert bearer.actor.user_id == "bob"
    for clock.now_s in (1010.0, 1010.001, 2e9):
        with pytest.raises(Unauthenticated):
            authenticator.authenticate(token)


def test_a_token_that_is_too_old_when_first_seen_is_refused() -> None:
    authenticator = Authenticator(SECRET, Clock(1000.0))
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(issue(SECRET, {"sub": "bob", "exp": 999}))


def test_a_token_is_verified_once_and_then_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator(SECRET, Clock())
    token = issue(SECRET, {"sub": "bob", "exp": 1010})
    first = authenticator.authenticate(token)

    def verify_again(*_: object, **__: object) -> None:
        raise AssertionError("verified twice")

    monkeypatch.setattr(Signatures, "payload", verify_again)
    assert authenticator.authenticate(token) is first


def test_a_refusal_is_not_remembered_as_a_verdict() -> None:
    authenticator = Authenticator(SECRET, Clock())
    bad = issue(b"another secret, just as long as ours", {"sub": "bob", "exp": 1010})
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            authenticator.authenticate(bad)


def test_one_tokens_verdict_is_never_anothers() -> None:
    authenticator = Authenticator(SECRET, Clock())
    for number in range(100):
        token = issue(SECRET, {"sub": f"u{number}", "exp": 1010})
        actor = authenticator.authenticate(token).actor
        assert actor is not None
        assert actor.user_id == f"u{number}"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.tokens.authenticator.REMEMBERED_TOKENS", 10)
    authenticator = Authenticator(SECRET, Clock())
    for number in range(50):
        authenticator.authenticate(issue(SECRET, {"sub": f"u{number}", "exp": 1010}))
    assert len(authenticator._known) == 10


def test_no_token_is_nobody() -> None:
    assert Authenticator(SECRET, Clock()).authenticate(None) is ANONYMOUS
    assert ANONYMOUS.view == "anonymous"


@given(st.text(max_size=300))
def test_text_that_is_no_token_raises_unauthenticated_alone(text: str) -> None:
    with pytest.raises(Unauthenticated):
        Authenticator(SECRET, Clock()).authenticate(text)


@given(st.text(string.printable + "ü\udcff\x00", max_size=60))
def test_a_header_gives_a_token_or_unauthenticated(header: str) -> None:
    try:
        token = bearer_token((header,))
    except Unauthenticated:
        return
    assert token
    assert header.lower().startswith("bearer ")


@pytest.mark.parametrize("character", [chr(0xDCFF), chr(0xD800)])
def test_surrogates_out_of_a_header_are_refused(character: str) -> None:
    with pytest.raises(Unauthenticated):
        Authenticator(SECRET, Clock()).authenticate(".".join([character] * 3))


def test_no_header_is_no_token_and_two_are_an_error() -> None:
    assert bearer_token(()) is None
    with pytest.raises(Unauthenticated):
        bearer_token(("Bearer a", "Bearer a"))


def test_names_that_are_null_are_none_at_all() -> None:
    claims = {"sub": "bob", "exp": 2_000_000_000, "nickname": None, "avatar": None}
    bearer = Authenticator(SECRET, lambda: 1.0).authenticate(issue(SECRET, claims))
    assert bearer.actor is not None
    assert (bearer.actor.nickname, bearer.actor.display_name) == ("", "bob")
