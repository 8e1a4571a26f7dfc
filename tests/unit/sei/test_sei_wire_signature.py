from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from room.errors import InvalidArgument
from room.position import LARGEST, Position
from sei.wire import base64url
from sei.wire.assembler import Assembler
from sei.wire.keys import KeySet
from sei.wire.payload import (
    MIN_MESSAGE_BYTES,
    Signature,
    StreamSnapshot,
    decode,
    encode,
    room_tag,
)
from sei.wire.signature import MAX_TAIL_BYTES, Signer, read_signer, verify

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
SIGNER = Signer(KEY, "k1")
KEYS = KeySet([SIGNER.public])
HERE = Position(7, 3)


def pem(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, word: bytes = b"") -> bytes:
    locked = BestAvailableEncryption(word) if word else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)


def signed(body: bytes = b"{}", room: str = "demo") -> StreamSnapshot:
    return StreamSnapshot(room_tag(room), HERE, 5, body, SIGNER.sign(room, HERE, 5, body))


def test_what_the_key_signed_is_valid() -> None:
    assert verify(signed('{"n":"Zoë"}'.encode()), KEYS) == "valid"


@pytest.mark.parametrize(
    "changed",
    [
        {"room_tag": room_tag("other")},
        {"position": Position(7, 4)},
        {"position": Position(8, 3)},
        {"ts_ms": 6},
        {"body": b"[]"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_nothing_of_it_may_be_changed(changed: dict[str, object]) -> None:
    assert verify(signed()._replace(**changed), KEYS) == "invalid"


def test_a_key_that_is_not_in_the_set_is_unknown() -> None:
    assert verify(signed(), KeySet()) == "unknown_key"


@given(value=st.text(max_size=100), key_id=st.sampled_from(["k1", "k2", "", "\x00"]))
def test_no_text_in_place_of_a_signature_raises_or_holds(value: str, key_id: str) -> None:
    forged = signed()._replace(signature=Signature(key_id, value))
    assert verify(forged, KEYS) in ("invalid", "unknown_key")


@given(st.binary(min_size=64, max_size=64))
def test_no_other_bytes_hold(value: bytes) -> None:
    forged = signed()._replace(signature=Signature("k1", base64url.write(value)))
    assert verify(forged, KEYS) == "invalid"


@pytest.mark.parametrize("value", ["{}=", "{}==", " {}", "{}\n", "+{}", "{}\u0660"])
def test_a_signature_has_one_text_only(value: str) -> None:
    snapshot = signed()
    assert snapshot.signature is not None
    text = value.format(snapshot.signature.value)
    forged = snapshot._replace(signature=Signature("k1", text))
    assert verify(forged, KEYS) == "invalid"


@pytest.mark.parametrize(
    ("position", "ts_ms"),
    [(Position(LARGEST + 1, 0), 0), (Position(0, -1), 0), (Position(0, 0), LARGEST + 1)],
)
def test_a_number_that_no_reader_takes_is_not_signed(position: Position, ts_ms: int) -> None:
    with pytest.raises(InvalidArgument, match=r"2\^53-1"):
        SIGNER.sign("demo", position, ts_ms, b"{}")


@pytest.mark.parametrize("key_id", ["", "k" * 33, "a b", "a:b", "é", "a\n"])
def test_a_key_id_is_of_the_alphabet_of_messages(key_id: str) -> None:
    with pytest.raises(InvalidArgument, match="key id"):
        read_signer(pem(KEY), key_id)


def test_a_private_key_is_read_from_pkcs8_in_pem() -> None:
    assert read_signer(pem(KEY), "k1").public == SIGNER.public


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"", "not a private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key"),
        (KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "private"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "another kind than Ed25519"),
        (pem(KEY, b"word"), "encrypted"),
    ],
    ids=["empty", "broken", "public", "other-kind", "encrypted"],
)
def test_what_is_no_usable_key_is_told_in_words(text: bytes, complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint):
        read_signer(text, "k1")


def test_a_signer_shows_its_id_alone() -> None:
    assert repr(SIGNER) == "Signer('k1')"


@pytest.mark.parametrize("size", [1, 40, 100, 600, 2000])
def test_the_longest_header_and_signature_fit_into_the_smallest_message(size: int) -> None:
    signer = Signer(KEY, "k" * 32)
    far, ts_ms, body = Position(LARGEST, LARGEST), LARGEST, b"x" * size
    signature = signer.sign("demo", far, ts_ms, body)
    assert len(f" {signature.key_id}:{signature.value}") == MAX_TAIL_BYTES
    messages = encode(
        "demo", far, ts_ms, body, max_message_bytes=MIN_MESSAGE_BYTES, signature=signature
    )
    assert max(map(len, messages)) + 16 <= MIN_MESSAGE_BYTES
    assembler, whole = Assembler(), None
    for text in messages:
        message = decode(text)
        assert message is not None
        assert message.piece
        whole = assembler.offer(message)
    assert whole is not None
    assert whole.body == body
    assert verify(whole, KeySet([signer.public])) == "valid"
