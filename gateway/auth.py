"""Tokens: JWT with HS256 (RFC 7519); no token means anonymous, a bad one is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final

import jwt
import msgspec
from cachetools import LRUCache
from msgspec import Meta

from gateway.bearer import ANONYMOUS, Bearer
from room import wire
from room.actor import USER_ID, AccountKind, Actor
from room.errors import InvalidArgument, Unauthenticated

ALGORITHM: Final = "HS256"
MAX_TOKEN_BYTES: Final = 4096
REMEMBERED_TOKENS: Final = 100_000


class Claims(msgspec.Struct, frozen=True):
    """What a token says; other claims are ignored."""

    sub: str
    exp: float
    kind: AccountKind = "member"
    roles: tuple[str, ...] = ()
    nickname: Annotated[str, Meta(max_length=128)] = ""
    avatar: Annotated[str, Meta(max_length=512)] = ""
    docs: tuple[str, ...] | str = ()


class Authenticator:
    """Verifies tokens, each once: the verdict is remembered by the token's hash until ``exp``."""

    def __init__(self, secret: bytes, clock_s: Callable[[], float]) -> None:
        self._secret = secret
        self._clock_s = clock_s
        self._known: LRUCache[bytes, Bearer] = LRUCache(REMEMBERED_TOKENS)

    def authenticate(self, token: str | None) -> Bearer:
        """Say who bears a token.

        Raises:
            Unauthenticated: the token is expired, unsigned, wrongly signed or incomplete.
        """
        if token is None:
            return ANONYMOUS
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        bearer = self._known.get(digest)
        if bearer is None:
            bearer = self._known[digest] = self._verify(token)
        if bearer.expires_at_s is not None and bearer.expires_at_s <= self._clock_s():
            raise Unauthenticated("the token has expired")
        return bearer

    def _verify(self, token: str) -> Bearer:
        if len(token) > MAX_TOKEN_BYTES:
            raise Unauthenticated("the token is too long")
        try:
            payload = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                options={
                    "require": ["exp", "sub"],
                    "verify_exp": False,  # against our own clock, at every use
                    "verify_iat": False,
                    "verify_aud": False,
                    "verify_iss": False,
                },
            )
        except (jwt.InvalidTokenError, UnicodeEncodeError) as error:
            raise Unauthenticated("the token does not hold") from error
        return _bearer(payload)


def _bearer(payload: dict[str, Any]) -> Bearer:
    try:
        claims = wire.shape(Claims, payload)
        f"{claims.nickname}{claims.avatar}".encode()
    except (InvalidArgument, UnicodeEncodeError) as error:
        raise Unauthenticated("the token's claims are of the wrong form") from error
    if USER_ID.fullmatch(claims.sub) is None:
        raise Unauthenticated("the token's sub is no user id")
    docs = (claims.docs,) if isinstance(claims.docs, str) else claims.docs
    actor = Actor(claims.sub, claims.kind, claims.roles, claims.nickname, claims.avatar, docs)
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
