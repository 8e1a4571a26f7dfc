from __future__ import annotations

import pytest
from sei_strategies import snapshot_body

from room.errors import InvalidArgument, Malformed
from room.position import Position
from sei.errors import TooManyChunks
from sei.insertion.state import Encoder, fixed_state
from sei.wire.payload import decode


def position(messages: tuple[bytes, ...]) -> Position:
    message = decode(messages[0])
    assert message is not None
    return message.position


def test_nothing_is_encoded_before_a_state_is_known() -> None:
    encoder = Encoder("demo")
    assert encoder.messages(None) == ()
    assert encoder.newest == ()


def test_a_snapshot_is_encoded_once_and_stays_until_a_newer_one() -> None:
    encoder = Encoder("demo")
    first = encoder.messages(snapshot_body(1))
    assert encoder.messages(snapshot_body(1)) is first
    assert encoder.messages(None) is first
    assert position(encoder.messages(snapshot_body(2))) == Position(7, 2)
    assert encoder.newest is encoder.messages(None)


def test_an_older_snapshot_is_passed_over() -> None:
    encoder = Encoder("demo")
    newest = encoder.messages(snapshot_body(5))
    assert encoder.messages(snapshot_body(4)) is newest


@pytest.mark.parametrize(
    "body",
    [
        snapshot_body(view="member"),
        snapshot_body(doc="requests"),
        snapshot_body(room="other"),
        b'{"type":"ack"}',
    ],
)
def test_only_the_anonymous_state_of_the_room_goes_into_its_stream(body: bytes) -> None:
    encoder = Encoder("demo")
    with pytest.raises(InvalidArgument):
        encoder.messages(body)
    assert encoder.newest == ()


def test_the_room_may_be_taken_from_the_first_snapshot() -> None:
    encoder = Encoder()
    encoder.messages(snapshot_body(1))
    with pytest.raises(InvalidArgument):
        encoder.messages(snapshot_body(2, room="other"))


def test_a_snapshot_too_large_leaves_the_one_before_in_force() -> None:
    encoder = Encoder("demo")
    first = encoder.messages(snapshot_body(1))
    with pytest.raises(TooManyChunks):
        encoder.messages(snapshot_body(2, pad=300_000))
    assert encoder.newest is first


def test_a_fixed_state_is_the_same_at_every_time() -> None:
    body = snapshot_body()
    states = fixed_state(body)
    assert states(0.0) == states(1e6) == body


def test_a_fixed_state_is_checked_at_once() -> None:
    with pytest.raises(InvalidArgument):
        fixed_state(snapshot_body(view="member"))
    with pytest.raises(Malformed):
        fixed_state(b"not json")
