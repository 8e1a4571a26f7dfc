"""Signatures over snapshots in a stream: Ed25519 (RFC 8032) over a line of text (SEI.md 1).

```
SS1 <room tag> <epoch> <version> <ts> <sha256 hex of the whole snapshot>
```
The tag of the room is part of it, so that a message of another room verifies nowhere else; the
position too, so that an old one can't be passed off as new.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from room.errors import InvalidArgument
from room.position import LARGEST, Position
from sei.wire import base64url
from sei.wire.keys import KeySet, PublicKey, check_key_id
from sei.wire.payload import Signature, StreamSnapshot, room_tag

SIGNATURE_BYTES: Final = 64
MAX_TAIL_BYTES: Final = len(" :") + 32 + 86
"""What a signature adds to the first message, at most: a key id of 32, a signature of 86."""

Verdict = Literal["valid", "invalid", "unknown_key", "unsigned"]
"""``unknown_key``: well-formed, by a key that is not in the set; worth asking for a newer set.
``invalid``: never signed like this by that key; such a message is to be dropped."""


def signed_text(tag: str, position: Position, ts_ms: int, body: bytes) -> bytes:
    """Write the text that is signed for a snapshot."""
    digest = hashlib.sha256(body).hexdigest()
    return f"SS1 {tag} {position.epoch} {position.version} {ts_ms} {digest}".encode()


class Signer:
    """Holds a private key and signs snapshots with it; about 30 µs each, so once a version.

    Args:
        key: the private key.
        key_id: how readers find the public one.

    Raises:
        InvalidArgument: the id is none.
    """

    def __init__(self, key: Ed25519PrivateKey, key_id: str) -> None:
        self._key: Final = key
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public: Final = PublicKey(check_key_id(key_id), raw)

    def __repr__(self) -> str:
        return f"Signer({self.public.id!r})"

    @property
    def key_id(self) -> str:
        """The id of the key."""
        return self.public.id

    def sign(self, room: str, position: Position, ts_ms: int, body: bytes) -> Signature:
        """Sign a snapshot.

        Args:
            room: id of the room.
            position: where the snapshot stands.
            ts_ms: its commit time.
            body: all its bytes, as they were before deflating and cutting.

        Raises:
            InvalidArgument: a number is outside 0..2^53-1, so that no reader would take it.
        """
        if not 0 <= min(*position, ts_ms) <= max(*position, ts_ms) <= LARGEST:
            raise InvalidArgument("position and time of a snapshot are within 0 and 2^53-1")
        text = signed_text(room_tag(room), position, ts_ms, body)
        return Signature(self.key_id, base64url.write(self._key.sign(text)))


def read_signer(pem: bytes, key_id: str) -> Signer:
    """Read a private key in PEM, PKCS #8, not encrypted (RFC 5958, RFC 8410).

    Raises:
        InvalidArgument: it is something else; the message does not show any of it.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise InvalidArgument("the signing key is encrypted, it must not be") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidArgument("the signing key is not a private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidArgument("the signing key is of another kind than Ed25519")
    return Signer(key, key_id)


def verify(snapshot: StreamSnapshot, keys: KeySet) -> Verdict:
    """Judge the signature of a snapshot that came out of a stream.

    The caller must know the room: that ``snapshot.room_tag`` is its tag, and that the body says of
    itself what the message says of it, is not judged here.
    """
    if snapshot.signature is None:
        return "unsigned"
    value = base64url.read_exactly(snapshot.signature.value, SIGNATURE_BYTES)
    if value is None:
        return "invalid"
    key = keys.get(snapshot.signature.key_id)
    if key is None:
        return "unknown_key"
    text = signed_text(snapshot.room_tag, snapshot.position, snapshot.ts_ms, snapshot.body)
    return "valid" if key.verifies(value, text) else "invalid"
