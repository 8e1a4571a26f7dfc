from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field

import msgspec
import pytest
from sei_strategies import snapshot_body

from room.errors import InvalidArgument
from room.position import Position
from sei.relay.states import RoomStates
from sei.relay.words import State
from sei.wire.assembler import Assembler
from sei.wire.payload import Signature, decode


@dataclass(frozen=True)
class Snapshot:
    body: bytes


def snapshot(version: int, room: str = "demo") -> Snapshot:
    return Snapshot(snapshot_body(version, room=room))


def too_large(version: int) -> Snapshot:
    """A snapshot that messages of 300 bytes do not hold, and those of 4,000 do."""
    noise = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(2_000))
    return Snapshot(json.dumps(json.loads(snapshot_body(version)) | {"note": noise}).encode())


@dataclass
class Source:
    """Writes down which rooms are wanted."""

    rooms: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    age_s: float | None = None

    def follow(self, room: str) -> None:
        if "/" in room:
            raise InvalidArgument("no room")
        self.rooms.append(room)
        self.story.append(f"+{room}")

    def unfollow(self, room: str) -> None:
        self.rooms.remove(room)
        self.story.append(f"-{room}")

    def last_heard_s(self, room: str) -> float | None:
        return self.age_s if room in self.rooms else None

    def counters(self) -> msgspec.Struct:
        return msgspec.defstruct("Counters", [("channel", str)])("ws")


class CountingSigner:
    def __init__(self, key_id: str = "k1") -> None:
        self.key_id = key_id
        self.signed: list[Position] = []

    def sign(self, room: str, position: Position, ts_ms: int, body: bytes) -> Signature:
        self.signed.append(position)
        return Signature(self.key_id, "c2lnbmF0dXJl")


def versions(told: list[State]) -> list[int]:
    return [state.version for state in told]


def body_of(state: State) -> bytes:
    """Put the messages of a state together again."""
    assembler = Assembler()
    for text in state.messages:
        message = decode(text)
        assert message is not None
        whole = assembler.offer(message)
    assert whole is not None
    return whole.body


def test_a_subscriber_is_told_what_is_known_at_once_and_each_newer_version() -> None:
    states = RoomStates()
    early: list[State] = []
    states.subscribe("demo", 1000, early.append)
    assert early == []
    states.offer(snapshot(1))
    late: list[State] = []
    states.subscribe("demo", 1000, late.append)
    states.offer(snapshot(2))
    assert versions(early) == versions(late) == [1, 2]
    assert late[0] is early[0]
    assert body_of(late[1]) == snapshot_body(2)
    assert states.newest("demo", 1000) is late[1]


def test_older_and_equal_snapshots_are_passed_over() -> None:
    states = RoomStates()
    told: list[State] = []
    states.subscribe("demo", 1000, told.append)
    for version in (5, 4, 5, 6):
        states.offer(snapshot(version))
    assert versions(told) == [5, 6]


def test_a_version_is_signed_once_whatever_sizes_are_asked_for() -> None:
    signer = CountingSigner()
    states = RoomStates(signer=signer)
    told: list[State] = []
    for size in (400, 1000, 4000, 1000):
        states.subscribe("demo", size, told.append)
    states.offer(snapshot(1))
    states.offer(snapshot(1))
    assert signer.signed == [Position(7, 1)]
    assert {state.max_message_bytes for state in told} == {400, 1000, 4000}
    for state in told:
        first = decode(state.messages[0])
        assert first is not None
        assert first.signature == Signature("k1", "c2lnbmF0dXJl")


def test_another_key_signs_the_newest_state_anew() -> None:
    states = RoomStates(signer=CountingSigner("old"))
    told: list[State] = []
    states.subscribe("demo", 1000, told.append)
    states.offer(snapshot(1))
    states.sign_with(CountingSigner("new"))
    assert versions(told) == [1, 1]
    last = decode(told[1].messages[0])
    assert last is not None
    assert last.signature is not None
    assert last.signature.key_id == "new"


def test_the_same_key_again_is_no_news() -> None:
    states = RoomStates(signer=CountingSigner())
    told: list[State] = []
    states.subscribe("demo", 1000, told.append)
    states.offer(snapshot(1))
    states.sign_with(CountingSigner())
    assert versions(told) == [1]


@pytest.mark.parametrize(
    "body",
    [
        snapshot_body(view="member"),
        snapshot_body(doc="requests"),
        b"<html>",
        b'{"type":"ack"}',
        snapshot_body().replace(b'"ts":1001', b'"ts":-1'),
        snapshot_body().replace(b'"ts":1001', b'"ts":9007199254740992'),
    ],
)
def test_what_not_everybody_may_see_or_no_reader_takes_is_refused(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    states = RoomStates()
    told: list[State] = []
    states.subscribe("demo", 1000, told.append)
    states.offer(Snapshot(body))
    assert told == []
    assert states.refused == 1
    assert [getattr(record, "code", "") for record in caplog.records] in (
        ["INVALID_ARGUMENT"],
        ["MALFORMED"],
    )


def test_a_room_that_nobody_wants_is_not_kept() -> None:
    states = RoomStates()
    states.offer(snapshot(1))
    told: list[State] = []
    states.subscribe("demo", 1000, told.append)
    assert told == []
    assert states.refused == 1


def test_a_snapshot_too_large_is_logged_once_and_the_last_one_that_fits_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    states = RoomStates()
    small: list[State] = []
    large: list[State] = []
    states.subscribe("demo", 300, small.append)
    states.subscribe("demo", 4000, large.append)
    states.offer(snapshot(1))
    states.offer(too_large(2))
    states.offer(too_large(3))
    assert versions(small) == [1]
    assert versions(large) == [1, 2, 3]
    assert states.newest("demo", 300) is small[0]
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [getattr(record, "code", "") for record in errors] == ["TOO_LARGE"]
    assert states.too_large == 2
    states.offer(snapshot(4))
    assert versions(small) == [1, 4]
    late: list[State] = []
    states.subscribe("demo", 300, late.append)
    assert versions(late) == [4]


def test_rooms_are_followed_from_the_first_subscriber_to_the_last() -> None:
    states, source = RoomStates(), Source()
    leave_first = states.subscribe("early", 1000, lambda _: None)
    states.attach(source)
    leave_second = states.subscribe("early", 400, lambda _: None)
    leave_third = states.subscribe("early", 400, lambda _: None)
    leave_first()
    leave_first()
    leave_second()
    assert source.story == ["+early"]
    leave_third()
    assert source.story == ["+early", "-early"]
    assert states.newest("early", 400) is None


def test_who_left_is_told_no_more() -> None:
    states = RoomStates()
    told: list[State] = []
    stays: list[State] = []
    leave = states.subscribe("demo", 1000, told.append)
    states.subscribe("demo", 1000, stays.append)
    states.offer(snapshot(1))
    leave()
    states.offer(snapshot(2))
    assert versions(told) == [1]
    assert versions(stays) == [1, 2]


def test_a_malformed_room_leaves_nothing_behind() -> None:
    states, source = RoomStates(), Source()
    states.attach(source)
    with pytest.raises(InvalidArgument):
        states.subscribe("a/b", 1000, lambda _: None)
    assert source.rooms == []


def test_the_age_of_a_state_is_what_its_source_says() -> None:
    states, source = RoomStates(), Source()
    assert states.age_s("demo") is None
    states.attach(source)
    states.subscribe("demo", 1000, lambda _: None)
    assert states.age_s("demo") is None
    source.age_s = 3.5
    assert states.age_s("demo") == 3.5


def test_how_the_source_is_doing_is_told_by_name() -> None:
    states = RoomStates()
    assert states.source_counters() == {}
    states.attach(Source())
    assert states.source_counters() == {"channel": "ws"}


def test_rooms_are_kept_apart() -> None:
    states = RoomStates()
    one: list[State] = []
    two: list[State] = []
    states.subscribe("one", 1000, one.append)
    states.subscribe("two", 1000, two.append)
    states.offer(snapshot(1, room="one"))
    states.offer(snapshot(2, room="two"))
    assert [json.loads(body_of(state))["room"] for state in one + two] == ["one", "two"]
    assert versions(one) == [1]
    assert versions(two) == [2]
