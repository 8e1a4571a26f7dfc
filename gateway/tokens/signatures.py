"""Signatures of tokens: JWS compact serialisation with HS256 (RFC 7515 7.1, RFC 7518 3.2)."""

from __future__ import annotations

import base64
import hmac
import re
from typing import Final

import jwt

from room.errors import Unauthenticated

ALGORITHM: Final = "HS256"
MAX_TOKEN_BYTES: Final = 4096
MAX_HEADERS: Final = 16
"""Issuers write the same header into every token; more than a few are not remembered."""

_JWS: Final = jwt.PyJWS(algorithms=[ALGORITHM])
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Signatures:
    """Verifies tokens; what is in them is read by nobody before that.

    The library judges a header and everything that looks unusual. A token whose header it has
    accepted before needs only its HMAC, which a crowd that comes back at once shows.

    Args:
        secret: the key, of 32 bytes at least.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._headers: set[str] = set()
        """Those that the library has accepted: of our algorithm, and with nothing critical."""

    def payload(self, token: str) -> bytes:
        """Give the payload of a token that is signed with our key.

        Raises:
            Unauthenticated: it is not, or asks for something that is not understood here.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise Unauthenticated("the token is too long")
        known = self._known(token)
        return self._judged(token) if known is None else known

    def _known(self, token: str) -> bytes | None:
        """Verify a token of the usual form; None: the library is to judge."""
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        if header not in self._headers or _SEGMENT.fullmatch(payload) is None:
            return None
        if not signature.isascii() or len(payload) % 4 == 1:
            return None
        expected = hmac.digest(self._secret, signed.encode(), "sha256")
        shown = base64.urlsafe_b64encode(expected).rstrip(b"=")
        if not hmac.compare_digest(shown, signature.encode()):
            return None
        return base64.urlsafe_b64decode(payload + "==")

    def _judged(self, token: str) -> bytes:
        try:
            signed = _JWS.decode_complete(token, self._secret, algorithms=[ALGORITHM])
        except (jwt.InvalidTokenError, UnicodeEncodeError) as error:
            raise Unauthenticated("the token does not hold") from error
        if "crit" in signed["header"]:
            raise Unauthenticated("the token asks for an extension that is not understood here")
        if len(self._headers) < MAX_HEADERS:
            self._headers.add(token.partition(".")[0])
        payload: bytes = signed["payload"]
        return payload
