"""The public keys that signatures in a stream are checked with, as a JWK set (RFC 7517, RFC 8037).

```json
{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026-11","use":"sig","alg":"EdDSA","x":"…"}]}
```
| member | meaning |
| --- | --- |
| kty, crv | `OKP`, `Ed25519`; keys of other kinds are passed over (RFC 7517 5) |
| kid | how a signature names the key, `[A-Za-z0-9_-]{1,32}`; without one it is passed over |
| x | the key of 32 bytes, unpadded base64url |
| use, alg, key_ops | where they are there and forbid to verify EdDSA, it is passed over |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from room import wire
from room.errors import InvalidArgument
from sei.wire import base64url

KEY_BYTES: Final = 32
MAX_KEYS: Final = 32
MAX_KEY_SET_BYTES: Final = 64 * 1024
_KEY_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_ALGORITHMS: Final = ("EdDSA", "Ed25519")
"""RFC 8037 3.1, and RFC 9864 2.2, which renames it."""
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
"""Members that hold secrets (RFC 7518 6.2.2, 6.3.2, 6.4.1, RFC 8037 2)."""
_SIGN_BIT: Final = 0x80
_SMALL_ORDER: Final = frozenset(
    int(text, 16).to_bytes(KEY_BYTES, "little")
    for text in (
        "0",
        "1",
        "5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
        "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee",
    )
)
"""Every encoding of a point of order 8 or less, without its sign bit. OpenSSL takes such a key, and
it vouches for what nobody signed."""


def check_key_id(key_id: str) -> str:
    """Give the id of a key back, if it is one.

    Raises:
        InvalidArgument: it is not.
    """
    if _KEY_ID.fullmatch(key_id) is None:
        raise InvalidArgument("a key id has 1 to 32 characters of A-Z, a-z, 0-9, _ and -")
    return key_id


class PublicKey:
    """One Ed25519 key, by its id.

    Args:
        key_id: how signatures name it.
        raw: its 32 bytes.

    Raises:
        InvalidArgument: the id or the key is none.
    """

    __slots__ = ("_key", "id", "raw")

    def __init__(self, key_id: str, raw: bytes) -> None:
        self.id: Final = check_key_id(key_id)
        self.raw: Final = raw
        if len(raw) != KEY_BYTES:
            raise InvalidArgument(f"an Ed25519 key has {KEY_BYTES} bytes")
        if raw[:-1] + bytes((raw[-1] & ~_SIGN_BIT,)) in _SMALL_ORDER:
            raise InvalidArgument("a point of small order is no key: everything would verify")
        self._key: Final = Ed25519PublicKey.from_public_bytes(raw)

    def __repr__(self) -> str:
        return f"PublicKey({self.id!r}, x={base64url.write(self.raw)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and (self.id, self.raw) == (other.id, other.raw)

    def __hash__(self) -> int:
        return hash((self.id, self.raw))

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Tell whether the holder of the private key signed a text (RFC 8032 5.1.7)."""
        try:
            self._key.verify(signature, text)
        except InvalidSignature:
            return False
        return True


class KeySet:
    """The keys that are trusted, at most 32; while keys are rotated there are several.

    Args:
        keys: each of another id.
        passed_over: how many the document held that are not for signatures in a stream.

    Raises:
        InvalidArgument: two of one id, or too many.
    """

    def __init__(self, keys: Iterable[PublicKey] = (), *, passed_over: int = 0) -> None:
        self._keys: Final[dict[str, PublicKey]] = {}
        self.passed_over: Final = passed_over
        for key in keys:
            if key.id in self._keys:
                raise InvalidArgument(f"two keys have the id {key.id}")
            self._keys[key.id] = key
        if len(self._keys) > MAX_KEYS:
            raise InvalidArgument(f"a key set has at most {MAX_KEYS} keys")

    def __iter__(self) -> Iterator[PublicKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._keys

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeySet) and self._keys == other._keys

    __hash__ = None  # type: ignore[assignment]  # equal by value, so as dict it has no hash

    def get(self, key_id: str) -> PublicKey | None:
        """Give the key of an id; None: it is not known."""
        return self._keys.get(key_id)


class Document(msgspec.Struct):
    """A JWK set as JSON; members beside ``keys`` are passed over (RFC 7517 5)."""

    keys: list[dict[str, Any]]


_DOCUMENT: Final = msgspec.json.Decoder(Document)


def read_key_set(body: bytes) -> KeySet:
    """Read a JWK set.

    Raises:
        Malformed: it is not JSON.
        InvalidArgument: it is no JWK set, is too large, has two keys of one id or a broken one, or
            holds a secret: then it must not be shown to anybody.
    """
    entries = read_document(body).keys
    keys = [key for key in map(_read_key, entries) if key is not None]
    return KeySet(keys, passed_over=len(entries) - len(keys))


def read_document(body: bytes) -> Document:
    """Read a JWK set as JSON that holds no secret; see ``read_key_set``."""
    if len(body) > MAX_KEY_SET_BYTES:
        raise InvalidArgument(f"a key set has at most {MAX_KEY_SET_BYTES} bytes")
    document = wire.read(_DOCUMENT, body)
    if any(_PRIVATE & entry.keys() for entry in document.keys):
        raise InvalidArgument("the key set holds a private key; it is to hold public keys only")
    return document


def write_key_set(keys: Iterable[PublicKey]) -> bytes:
    """Write keys as a JWK set, with nothing in it that was not checked."""
    return wire.encode(Document([write_key(key) for key in keys]))


def public_part(body: bytes) -> bytes:
    """Give a JWK set as everybody may see it: the keys of streams, and of them what is checked.

    Raises:
        Malformed: it is not JSON.
        InvalidArgument: see ``read_key_set``; above all, it holds a secret.
    """
    return write_key_set(read_key_set(body))


def write_key(key: PublicKey) -> dict[str, Any]:
    """Write one key as JSON (RFC 8037 2)."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": key.id,
        "use": "sig",
        "alg": "EdDSA",
        "x": base64url.write(key.raw),
    }


def _read_key(entry: dict[str, Any]) -> PublicKey | None:
    if (entry.get("kty"), entry.get("crv")) != ("OKP", "Ed25519") or not _verifies(entry):
        return None
    key_id, x = entry.get("kid"), entry.get("x")
    if not isinstance(key_id, str) or _KEY_ID.fullmatch(key_id) is None:
        return None
    raw = base64url.read_exactly(x, KEY_BYTES) if isinstance(x, str) else None
    if raw is None:
        raise InvalidArgument(f"x of the key {key_id} is not 32 bytes in unpadded base64url")
    return PublicKey(key_id, raw)


def _verifies(entry: dict[str, Any]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("use", "sig") == "sig"
        and entry.get("alg", "EdDSA") in _ALGORITHMS
        and isinstance(operations, list)
        and "verify" in operations
    )
