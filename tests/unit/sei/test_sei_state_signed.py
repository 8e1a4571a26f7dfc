"""Signed snapshots: one signature a version, whatever the number of repeats and size limits."""

from __future__ import annotations

import hashlib
from bisect import bisect_left

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sei_strategies import snapshot_body

from room.errors import InvalidArgument
from room.position import Position
from sei.errors import TooManyChunks
from sei.insertion.cadence import Cadence
from sei.insertion.state import Encoder, Signed
from sei.wire.assembler import Assembler
from sei.wire.keys import KeySet
from sei.wire.payload import Signature, StreamSnapshot, decode
from sei.wire.signature import Signer, verify


class CountingSigner(Signer):
    """Counts what it signs."""

    def __init__(self, key_id: str = "k1", seed: int = 1) -> None:
        super().__init__(Ed25519PrivateKey.from_private_bytes(bytes((seed,)) * 32), key_id)
        self.signed: list[Position] = []

    def sign(self, room: str, position: Position, ts_ms: int, body: bytes) -> Signature:
        self.signed.append(position)
        return super().sign(room, position, ts_ms, body)


def read(messages: tuple[bytes, ...]) -> StreamSnapshot:
    assembler, whole = Assembler(), None
    for body in messages:
        message = decode(body)
        assert message is not None
        whole = assembler.offer(message)
    assert whole is not None
    return whole


def test_a_version_is_signed_once_however_often_it_is_repeated() -> None:
    signer = CountingSigner()
    encoder, cadence = Encoder("demo", signer=signer), Cadence()
    bodies = [snapshot_body(version) for version in (1, 2)]
    sent = [
        cadence.choose(n * 40.0, n % 50 == 0, encoder.messages(bodies[n // 500]))
        for n in range(1000)
    ]
    repeats = [body for body in sent if body is not None]
    assert len(repeats) > 80
    assert signer.signed == [Position(7, 1), Position(7, 2)]
    keys = KeySet([signer.public])
    assert {verify(read((body,)), keys) for body in repeats} == {"valid"}


def test_a_version_is_signed_once_for_every_size_limit() -> None:
    signer = CountingSigner()
    body = snapshot_body(1, pad=900)
    snapshot = Signed(body, signer)
    sizes = (300, 1000, 4000)
    for size in sizes * 3:
        assert snapshot.messages(size) is snapshot.messages(size)
        assert read(snapshot.messages(size)).signature == snapshot.signature
        assert read(snapshot.messages(size)).body == body
    assert len({len(snapshot.messages(size)) for size in sizes}) > 1
    assert signer.signed == [Position(7, 1)]


def test_without_a_signer_nothing_is_signed() -> None:
    assert Signed(snapshot_body(1)).signature is None
    assert read(Encoder("demo").messages(snapshot_body(1))).signature is None


def test_an_older_or_refused_snapshot_is_not_signed() -> None:
    signer = CountingSigner()
    encoder = Encoder("demo", signer=signer)
    encoder.messages(snapshot_body(5))
    encoder.messages(snapshot_body(4))
    with pytest.raises(InvalidArgument):
        encoder.messages(snapshot_body(6, view="member"))
    with pytest.raises(InvalidArgument):
        encoder.messages(snapshot_body(6, room="other"))
    assert signer.signed == [Position(7, 5)]


def test_a_new_key_signs_the_newest_snapshot_at_once_at_the_same_position() -> None:
    old, new = CountingSigner("old", 1), CountingSigner("new", 2)
    encoder = Encoder("demo", signer=old)
    before = read(encoder.messages(snapshot_body(3)))
    after = read(encoder.rotate(new))
    assert verify(after, KeySet([new.public])) == "valid"
    assert after._replace(signature=before.signature) == before
    assert read(encoder.messages(snapshot_body(4))).signature is not None
    assert (old.signed, new.signed) == ([Position(7, 3)], [Position(7, 3), Position(7, 4)])


def test_a_key_may_come_before_the_first_snapshot_and_go() -> None:
    signer = CountingSigner()
    encoder = Encoder("demo")
    assert encoder.rotate(signer) == ()
    assert read(encoder.messages(snapshot_body(1))).signature is not None
    assert read(encoder.rotate(None)).signature is None


def test_a_key_id_that_makes_the_snapshot_too_large_leaves_everything_as_it_was() -> None:
    short, long = CountingSigner("k"), CountingSigner("k" * 32)
    encoder = Encoder("demo", max_message_bytes=300, signer=short)
    size = bisect_left(range(10_000), True, key=lambda size: not _fits(noisy(size), short)) - 1
    widest = noisy(size)
    before = encoder.messages(widest)
    assert not _fits(widest, long)
    with pytest.raises(TooManyChunks):
        encoder.rotate(long)
    assert encoder.newest is before
    later = encoder.messages(snapshot_body(2))
    assert verify(read(later), KeySet([short.public])) == "valid"


def noisy(size: int) -> bytes:
    """A snapshot that deflate makes hardly smaller."""
    noise = "".join(hashlib.sha512(b"%d" % n).hexdigest() for n in range(size // 128 + 1))
    return snapshot_body(1)[:-1] + b',"noise":"%b"}' % noise[:size].encode()


def _fits(body: bytes, signer: Signer) -> bool:
    try:
        Signed(body, signer).messages(300)
    except TooManyChunks:
        return False
    return True
