from __future__ import annotations

import base64
import hashlib

import pytest

from room.position import Position
from sei.errors import BadPayload
from sei.wire.assembler import Assembler
from sei.wire.payload import Message, decode, encode

NOISE = base64.b85encode(hashlib.shake_256(b"seed").digest(1600))


def pieces(version: int = 1, body: bytes = NOISE) -> list[Message]:
    found = [decode(body) for body in encode("demo", Position(1, version), 5, body)]
    return [message for message in found if message is not None]


def with_crc_broken(message: Message) -> Message:
    body = encode("demo", message.position, 5, b"{}")[0]
    broken = decode(body.replace(b"{}", b"{]"))
    assert broken is not None
    assert not broken.crc_holds
    return broken


def test_a_message_that_is_whole_is_a_snapshot_each_time_it_comes() -> None:
    assembler = Assembler()
    (whole,) = pieces(body=b"{}")
    for _ in range(3):
        snapshot = assembler.offer(whole)
        assert snapshot is not None
        assert snapshot.body == b"{}"


def test_a_snapshot_is_given_when_its_last_piece_comes_and_only_then() -> None:
    assembler = Assembler()
    first, second, third = pieces()
    assert assembler.offer(third) is None
    assert assembler.offer(first) is None
    assert assembler.offer(first) is None
    snapshot = assembler.offer(second)
    assert snapshot is not None
    assert snapshot.body == NOISE


def test_pieces_of_two_versions_are_never_mixed() -> None:
    assembler = Assembler()
    old, new = pieces(1), pieces(2)
    for message in (old[0], new[1], old[2], new[2]):
        assert assembler.offer(message) is None
    snapshot = assembler.offer(new[0])
    assert snapshot is not None
    assert snapshot.position == Position(1, 2)


def test_a_piece_whose_crc_does_not_hold_is_dropped() -> None:
    (whole,) = pieces(body=b"{}")
    assert Assembler().offer(with_crc_broken(whole)) is None


def test_the_oldest_unfinished_snapshot_is_given_up_for_a_new_one() -> None:
    assembler = Assembler(max_unfinished=2)
    for version in (1, 2, 3):
        assembler.offer(pieces(version)[0])
    first = pieces(1)
    assert assembler.offer(first[1]) is None
    assert assembler.offer(first[2]) is None
    third = pieces(3)
    assembler.offer(third[1])
    assert assembler.offer(third[2]) is not None


def test_data_that_cannot_be_inflated_is_an_error_once_it_is_whole() -> None:
    (body,) = encode("demo", Position(1, 1), 5, b"a" * 700)
    message = decode(body)
    assert message is not None
    broken = Message(
        message.room_tag, message.position, 5, True, 1, 1, b"AAAA!", True, message.signature
    )
    with pytest.raises(BadPayload):
        Assembler().offer(broken)
