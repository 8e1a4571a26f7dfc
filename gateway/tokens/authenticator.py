"""Tokens: JWT with HS256 (RFC 7519); no token means anonymous, a bad one is refused.

One algorithm, one key. What a header says of keys (``kid``, ``jwk``, ``jku``, ``x5c``, ``x5u``) is
never looked at, and ``crit`` is refused: no extension is understood here (RFC 7515 4.1.11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import jwt
import msgspec
from cachetools import LRUCache
from msgspec import UNSET, Meta

from gateway.tokens.bearer import ANONYMOUS, Bearer
from gateway.tokens.signatures import ALGORITHM, Signatures
from room import wire
from room.actor import USER_ID, Actor, TokenKind
from room.errors import InvalidArgument, Malformed, Unauthenticated

REMEMBERED_TOKENS: Final = 100_000
EARLY_S: Final = 30.0
"""How far ahead of this clock ``nbf`` may lie; the deadline ``exp`` has no such margin."""


class Claims(msgspec.Struct, frozen=True):
    """What a token says; other claims are ignored, ``iat`` among them."""

    sub: str
    exp: float
    nbf: float = 0.0
    kind: TokenKind = "member"
    roles: tuple[str, ...] = ()
    nickname: Annotated[str, Meta(max_length=256)] | None = None
    avatar: Annotated[str, Meta(max_length=2048)] | None = None
    docs: tuple[str, ...] | str = ()
    aud: Any = UNSET
    iss: Any = UNSET


_CLAIMS: Final = msgspec.json.Decoder(Claims)


class Authenticator:
    """Verifies tokens, each once: the verdict is remembered by the token's hash until ``exp``.

    Args:
        secret: the key, of 32 bytes at least.
        clock_s: wall clock, in seconds since 1970.
        audience: what ``aud`` must name; None: not looked at.
        issuer: what ``iss`` must be; None: not looked at.
    """

    def __init__(
        self,
        secret: bytes,
        clock_s: Callable[[], float],
        *,
        audience: str | None = None,
        issuer: str | None = None,
    ) -> None:
        self._signatures = Signatures(secret)
        self._clock_s = clock_s
        self._audience = audience
        self._issuer = issuer
        self._known: LRUCache[bytes, Bearer] = LRUCache(REMEMBERED_TOKENS)

    def authenticate(self, token: str | None) -> Bearer:
        """Say who bears a token.

        Raises:
            Unauthenticated: the token is expired, unsigned, wrongly signed or incomplete.
        """
        if token is None:
            return ANONYMOUS
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        bearer = self._known.get(digest)
        if bearer is None:
            bearer = self._known[digest] = self._verify(token)
        if bearer.expires_at_s is not None and bearer.expires_at_s <= self._clock_s():
            raise Unauthenticated("the token has expired")
        return bearer

    def _verify(self, token: str) -> Bearer:
        claims = _read(self._signatures.payload(token))
        if claims.nbf > self._clock_s() + EARLY_S:
            raise Unauthenticated("the token does not hold yet")
        if self._audience is not None and not _names(claims.aud, self._audience):
            raise Unauthenticated("the token is for somebody else")
        if self._issuer is not None and claims.iss != self._issuer:
            raise Unauthenticated("the token is by somebody else")
        return _bearer(claims)


def _read(payload: bytes) -> Claims:
    """Read the claims; JSON has neither NaN nor Infinity, and nothing here takes them for it."""
    try:
        claims = wire.read(_CLAIMS, payload)
    except (InvalidArgument, Malformed) as error:
        raise Unauthenticated("the token's claims are of the wrong form") from error
    if USER_ID.fullmatch(claims.sub) is None:
        raise Unauthenticated("the token's sub is no user id")
    return claims


def _names(aud: Any, wanted: str) -> bool:
    """Tell whether ``aud``, one text or a list of them, names somebody (RFC 7519 4.1.3)."""
    if isinstance(aud, list):
        return all(isinstance(name, str) for name in aud) and wanted in aud
    return isinstance(aud, str) and aud == wanted


def _bearer(claims: Claims) -> Bearer:
    docs = (claims.docs,) if isinstance(claims.docs, str) else claims.docs
    actor = Actor(
        claims.sub, claims.kind, claims.roles, claims.nickname or "", claims.avatar or "", docs
    )
    return Bearer(actor, claims.exp)


def bearer_token(authorizations: Sequence[str]) -> str | None:
    """Take the token out of the ``Authorization`` headers of a request: none, or one.

    Raises:
        Unauthenticated: there are several, or the one holds no ``Bearer`` credential.
    """
    if not authorizations:
        return None
    if len(authorizations) > 1:
        raise Unauthenticated("there is more than one Authorization header")
    scheme, _, token = authorizations[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("the Authorization header carries no Bearer token")
    return token.strip()


def issue(secret: bytes, claims: dict[str, Any]) -> str:
    """Sign a token with these claims."""
    return jwt.encode(claims, secret, algorithm=ALGORITHM)
