"""Tokens that must not hold, each with a signature of ours where that can be (RFC 7519, 8725)."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens.authenticator import EARLY_S, Authenticator, issue
from room.errors import Unauthenticated

SECRET = b"a secret of the tests, long enough"
NOW_S = 1000.0
CLAIMS = {"sub": "bob", "exp": 2000}


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def text(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def forge(
    header: Any, claims: Any = CLAIMS, *, secret: bytes = SECRET, digest: str = "sha256"
) -> str:
    """Sign any header and any claims by HMAC, whatever the header says."""
    signed = f"{encoded(text(header))}.{encoded(text(claims))}"
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), digest))}"


def hs256(claims: Any, **header: Any) -> str:
    return forge({"alg": "HS256", "typ": "JWT", **header}, claims)


def with_claims(**claims: Any) -> str:
    merged = {**CLAIMS, **claims}
    return hs256({name: value for name, value in merged.items() if value is not Ellipsis})


def authenticator(**settings: Any) -> Authenticator:
    return Authenticator(SECRET, lambda: NOW_S, **settings)


RSA = rsa.generate_private_key(65537, 2048)
GOOD = issue(SECRET, CLAIMS)
HEAD, BODY, SIGNATURE = GOOD.split(".")

BAD = {
    "none, unsigned": f"{encoded(text({'alg': 'none'}))}.{BODY}.",
    "none, signed by us": forge({"alg": "none"}),
    "None": forge({"alg": "None"}),
    "NONE, unsigned": f"{encoded(text({'alg': 'NONE'}))}.{BODY}.",
    "alg empty": forge({"alg": ""}),
    "alg null": forge({"alg": None}),
    "alg missing": forge({"typ": "JWT"}),
    "alg a list": forge({"alg": ["HS256"]}),
    "alg a number": forge({"alg": 256}),
    "alg in lower case": forge({"alg": "hs256"}),
    "RS256 with our secret as its key": forge({"alg": "RS256"}),
    "ES256 with our secret as its key": forge({"alg": "ES256"}),
    "EdDSA with our secret as its key": forge({"alg": "EdDSA"}),
    "HS512 with our secret": forge({"alg": "HS512"}, digest="sha512"),
    "HS384 with our secret": forge({"alg": "HS384"}, digest="sha384"),
    "HS256 by another hash": forge({"alg": "HS256"}, digest="sha512"),
    "RS256": jwt.encode(CLAIMS, RSA, algorithm="RS256"),
    "PS256": jwt.encode(CLAIMS, RSA, algorithm="PS256"),
    "ES256": jwt.encode(CLAIMS, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "EdDSA": jwt.encode(CLAIMS, ed25519.Ed25519PrivateKey.generate(), algorithm="EdDSA"),
    "another secret": issue(b"another secret, as long as ours is", CLAIMS),
    "an empty secret": forge({"alg": "HS256"}, secret=b""),
    "the key that a header brings": forge(
        {"alg": "HS256", "jwk": {"kty": "oct", "k": encoded(b"x" * 32)}}, secret=b"x" * 32
    ),
    "the key that a header points at": forge(
        {"alg": "HS256", "jku": "https://evil.example/keys", "kid": "1"}, secret=b"x" * 32
    ),
    "the empty file that a kid points at": forge(
        {"alg": "HS256", "kid": "../../../dev/null"}, secret=b""
    ),
    "a chain that a header points at": forge(
        {"alg": "HS256", "x5u": "https://evil.example/chain"}, secret=b"x" * 32
    ),
    "kid no text": hs256(CLAIMS, kid=7),
    "crit of something unknown": hs256(CLAIMS, crit=["exp2"], exp2=1),
    "crit of b64": hs256(CLAIMS, crit=["b64"], b64=True),
    "crit empty": hs256(CLAIMS, crit=[]),
    "crit null": hs256(CLAIMS, crit=None),
    "a detached payload": hs256(CLAIMS, crit=["b64"], b64=False),
    "a payload that is not coded": hs256(CLAIMS, b64=False),
    "a signature cut short": GOOD[:-4],
    "a signature of nothing": f"{HEAD}.{BODY}.",
    "a signature of other claims": f"{HEAD}.{encoded(text({**CLAIMS, 'sub': 'olga'}))}.{SIGNATURE}",
    "a signature of another header": f"{encoded(text({'alg': 'HS256'}))}.{BODY}.{SIGNATURE}",
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, as if encrypted": ".".join([HEAD, BODY, BODY, BODY, SIGNATURE]),
    "a line end behind it": f"{GOOD}\n",
    "a blank before it": f" {GOOD}",
    "a header of no object": forge([]),
    "a header of no JSON": forge(b"{"),
    "a header nested beyond reason": forge(b"[" * 900),
    "claims of no object": hs256([]),
    "claims of no JSON": hs256(b"{"),
    "claims of no UTF-8": hs256(b'{"sub":"bob","exp":2000,"x":"\xff"}'),
    "claims of half a character": hs256(b'{"sub":"bob","exp":2000,"nickname":"\\ud800"}'),
    "claims nested beyond reason": hs256(b"[" * 900),
    "exp missing": with_claims(exp=...),
    "exp null": with_claims(exp=None),
    "exp text": with_claims(exp="2000"),
    "exp true": with_claims(exp=True),
    "exp a list": with_claims(exp=[2000]),
    "exp an object": with_claims(exp={"s": 2000}),
    "exp NaN": hs256(b'{"sub":"bob","exp":NaN}'),
    "exp Infinity": hs256(b'{"sub":"bob","exp":Infinity}'),
    "exp too large for a number": hs256(b'{"sub":"bob","exp":1e400}'),
    "exp of 400 digits": hs256(b'{"sub":"bob","exp":' + b"9" * 400 + b"}"),
    "exp negative": with_claims(exp=-1),
    "exp negative and beyond a number": hs256(b'{"sub":"bob","exp":-1e400}'),
    "exp zero": with_claims(exp=0),
    "exp past": with_claims(exp=999.999),
    "exp now": with_claims(exp=1000),
    "nbf ahead": with_claims(nbf=1031),
    "nbf just too far ahead": with_claims(nbf=1030.001),
    "nbf text": with_claims(nbf="0"),
    "nbf true": with_claims(nbf=True),
    "nbf null": with_claims(nbf=None),
    "nbf NaN": hs256(b'{"sub":"bob","exp":2000,"nbf":NaN}'),
    "nbf Infinity": hs256(b'{"sub":"bob","exp":2000,"nbf":Infinity}'),
    "nbf too large for a number": hs256(b'{"sub":"bob","exp":2000,"nbf":1e400}'),
    "sub missing": with_claims(sub=...),
    "sub null": with_claims(sub=None),
    "sub a number": with_claims(sub=7),
    "sub empty": with_claims(sub=""),
    "sub with a line end": with_claims(sub="bob\n"),
    "sub of other digits": with_claims(sub="bob\u0661"),
    "sub too long": with_claims(sub="x" * 65),
    "kind of the server itself": with_claims(kind="system"),
    "kind unknown": with_claims(kind="owner"),
    "kind in upper case": with_claims(kind="Staff"),
    "kind a list": with_claims(kind=["staff"]),
    "kind null": with_claims(kind=None),
    "roles a text": with_claims(roles="operator"),
    "roles an object": with_claims(roles={"operator": True}),
    "roles of numbers": with_claims(roles=[1]),
    "nickname a number": with_claims(nickname=7),
    "nickname too long": with_claims(nickname="n" * 257),
    "avatar too long": with_claims(avatar="a" * 2049),
    "docs true": with_claims(docs=True),
    "docs of numbers": with_claims(docs=[1]),
    "too long": with_claims(more="m" * 4096),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_does_not_hold(name: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        authenticator().authenticate(BAD[name])
    assert BAD[name] not in refused.value.message
    assert SECRET.decode() not in refused.value.message


def test_the_table_forges_what_would_hold_if_it_were_true() -> None:
    """Else a slip in ``forge`` would make every line above pass."""
    assert authenticator().authenticate(hs256(CLAIMS)).expires_at_s == 2000
    assert authenticator().authenticate(with_claims(nbf=0)).actor is not None


@pytest.mark.parametrize(
    "header", [{"kid": "1"}, {"jku": "https://a.example"}, {"x5u": "x"}, {"typ": "at+jwt"}]
)
def test_what_a_header_says_of_keys_changes_nothing(header: dict[str, str]) -> None:
    bearer = authenticator().authenticate(hs256(CLAIMS, **header))
    assert bearer.actor is not None
    assert bearer.actor.user_id == "bob"


@pytest.mark.parametrize("nbf", [-1, 0, 999, 1000, 1000 + EARLY_S])
def test_a_clock_that_is_30_s_behind_takes_a_fresh_token(nbf: float) -> None:
    assert authenticator().authenticate(with_claims(nbf=nbf)).actor is not None


@pytest.mark.parametrize("exp", [1000.001, 2**53, 10**18, 1e300])
def test_a_deadline_ahead_holds_however_far(exp: float) -> None:
    assert authenticator().authenticate(with_claims(exp=exp)).expires_at_s == exp


@pytest.mark.parametrize(
    "claims", [{"iat": 10**9}, {"iat": "x"}, {"jti": 7}, {"aud": 7}, {"iss": []}]
)
def test_claims_that_nobody_asked_for_are_ignored(claims: dict[str, Any]) -> None:
    assert authenticator().authenticate(with_claims(**claims)).actor is not None


@pytest.mark.parametrize("aud", ["rooms", ["rooms"], ["other", "rooms"]])
def test_an_audience_may_be_one_of_a_list(aud: Any) -> None:
    assert authenticator(audience="rooms").authenticate(with_claims(aud=aud)).actor is not None


@pytest.mark.parametrize(
    "aud",
    [..., None, "", "Rooms", "rooms2", [], ["other"], [["rooms"]], ["rooms", 7], {"rooms": 1}, 7],
)
def test_a_token_for_somebody_else_is_refused(aud: Any) -> None:
    with pytest.raises(Unauthenticated):
        authenticator(audience="rooms").authenticate(with_claims(aud=aud))


@pytest.mark.parametrize("iss", [..., None, "", "Login", ["login"], 7])
def test_a_token_by_somebody_else_is_refused(iss: Any) -> None:
    both = authenticator(issuer="login")
    assert both.authenticate(with_claims(iss="login")).actor is not None
    with pytest.raises(Unauthenticated):
        both.authenticate(with_claims(iss=iss))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["sub", "exp", "nbf", "kind", "roles", "docs", "aud"]), JSON)
)
def test_signed_claims_of_any_form_give_a_caller_or_unauthenticated(claims: dict[str, Any]) -> None:
    try:
        bearer = authenticator().authenticate(hs256(claims))
    except Unauthenticated:
        return
    assert bearer.actor is not None
    assert bearer.actor.kind in ("member", "service", "staff")
    assert bearer.expires_at_s is not None
    assert NOW_S < bearer.expires_at_s < float("inf")


@given(JSON.map(lambda value: {"alg": "HS256", "crit": value}) | st.dictionaries(st.text(), JSON))
def test_a_signed_header_of_any_form_gives_a_caller_or_unauthenticated(header: Any) -> None:
    try:
        authenticator().authenticate(forge(header))
    except Unauthenticated:
        return
    assert header["alg"] == "HS256"
    assert "crit" not in header
