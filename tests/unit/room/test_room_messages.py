from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from room_samples import waiting

from room import wire
from room.errors import InvalidArgument, Malformed, Refused, SeatsyncError, Unavailable
from room.messages import (
    Ack,
    Applied,
    Bye,
    Cmd,
    FromClient,
    Online,
    Ping,
    Plan,
    PlannedChannel,
    Policy,
    Pong,
    Problem,
    ServerMessage,
    Speaking,
    SpeakingMessage,
    Subscribe,
    Unsubscribe,
    Welcome,
    problem,
    read_client_message,
    read_have,
    request_message,
)
from room.position import Position, parse_position


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            Welcome(conn_id="c1", schema=1, ping_ms=25_000, server_ts=7),
            '{"type":"welcome","conn_id":"c1","schema":1,"ping_ms":25000,"server_ts":7}',
        ),
        (
            Policy(room="demo", view="member", commands=("seat.take", "mic.set")),
            '{"type":"policy","room":"demo","view":"member","commands":["seat.take","mic.set"]}',
        ),
        (
            Ack(cmd_id="c1", changed=True, epoch=1, version=2, result={"seat_index": 3}),
            '{"type":"ack","cmd_id":"c1","changed":true,"epoch":1,"version":2,'
            '"result":{"seat_index":3}}',
        ),
        (
            Ack(cmd_id="c1", changed=False, epoch=1, version=2),
            '{"type":"ack","cmd_id":"c1","changed":false,"epoch":1,"version":2,"result":{}}',
        ),
        (
            Problem(code="FORBIDDEN", message="no", retryable=False),
            '{"type":"error","code":"FORBIDDEN","message":"no","retryable":false}',
        ),
        (
            Problem(
                code="OVERLOADED",
                message="later",
                retryable=True,
                retry_after_ms=5,
                cmd_id="c1",
                room="demo",
                doc="state",
                epoch=1,
                version=2,
            ),
            '{"type":"error","code":"OVERLOADED","message":"later","retryable":true,'
            '"retry_after_ms":5,"cmd_id":"c1","room":"demo","doc":"state","epoch":1,"version":2}',
        ),
        (Pong(id="a", server_ts=7), '{"type":"pong","id":"a","server_ts":7}'),
        (Pong(id={"n": [1]}, server_ts=7), '{"type":"pong","id":{"n":[1]},"server_ts":7}'),
        (Pong(server_ts=7), '{"type":"pong","id":null,"server_ts":7}'),
        (
            Ack(
                cmd_id="c1",
                changed=True,
                epoch=1,
                version=2,
                positions={"requests": "1.7"},
                result={"request_id": "r_1"},
            ),
            '{"type":"ack","cmd_id":"c1","changed":true,"epoch":1,"version":2,'
            '"positions":{"requests":"1.7"},"result":{"request_id":"r_1"}}',
        ),
        (
            request_message("demo", waiting("apply", "member", 3), "owner", None),
            '{"type":"request","room":"demo","request":{"request_id":"r_apply_member",'
            '"kind":"apply","from":"member","to":"owner","seat_index":3,'
            '"expires_at":1732150010123}}',
        ),
        (
            request_message("demo", waiting("invite", "member", by="admin"), "owner", "accepted"),
            '{"type":"request","room":"demo","request":{"request_id":"r_invite_member",'
            '"kind":"invite","from":"admin","to":"member","seat_index":null,'
            '"expires_at":1732150010123,"outcome":"accepted"}}',
        ),
        (
            SpeakingMessage(room="demo", seats=(0, 3), ts=7),
            '{"type":"speaking","room":"demo","seats":[0,3],"ts":7}',
        ),
        (Online(room="demo", count=41), '{"type":"online","room":"demo","count":41}'),
        (
            Plan(
                channels=(
                    PlannedChannel(channel="ws", url="ws://h/v1"),
                    PlannedChannel(channel="poll", url="http://h/v1", interval_ms=3000),
                ),
                ttl_ms=60_000,
            ),
            '{"channels":[{"channel":"ws","url":"ws://h/v1"},'
            '{"channel":"poll","url":"http://h/v1","interval_ms":3000}],"ttl_ms":60000}',
        ),
        (Bye(code=4501, reason="no"), '{"type":"bye","code":4501,"reason":"no"}'),
        (
            Bye(code=4000, reason="drain", retry_after_ms=9),
            '{"type":"bye","code":4000,"reason":"drain","retry_after_ms":9}',
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_message_from_the_server_is_exactly_this(message: ServerMessage, text: str) -> None:
    assert wire.encode(message) == text.encode()


def test_plan_in_an_answer_is_that_of_the_message_without_its_head() -> None:
    channel = PlannedChannel(channel="sei", url="http://relay/demo.flv")
    plan = Plan(channels=(channel,), ttl_ms=60_000)
    assert wire.encode(plan) == (
        b'{"channels":[{"channel":"sei","url":"http://relay/demo.flv"}],"ttl_ms":60000}'
    )


def test_ack_reads_with_and_without_positions() -> None:
    text = b'{"type":"ack","cmd_id":"c","changed":true,"epoch":1,"version":2%b}'
    for extra, positions in ((b"", msgspec.UNSET), (b',"positions":{"x":"1.2"}', {"x": "1.2"})):
        assert msgspec.json.decode(text % extra, type=Ack).positions == positions


def test_position_of_an_ack_is_that_of_state() -> None:
    assert Ack(cmd_id="c", changed=True, epoch=3, version=4).position == Position(3, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"subscribe"}', Subscribe()),
        ('{"type":"subscribe","room":"demo"}', Subscribe("demo", ("state",), {})),
        (
            '{"type":"subscribe","room":"demo","docs":["state","x-a"],"have":{"state":"1.2"}}',
            Subscribe("demo", ("state", "x-a"), {"state": "1.2"}),
        ),
        ('{"type":"unsubscribe","room":"demo"}', Unsubscribe("demo", None)),
        ('{"type":"unsubscribe","docs":["play"]}', Unsubscribe(None, ("play",))),
        ('{"type":"cmd","cmd":"seat.leave","cmd_id":"c","args":{}}', Cmd()),
        (
            '{"type":"applied","room":"demo","doc":"state","epoch":1,"version":2,'
            '"channel":"sei","lag_ms":12.5}',
            Applied("demo", "state", 1, 2, "sei", 12.5),
        ),
        ('{"type":"speaking","on":true}', Speaking(True)),
        ('{"type":"speaking","on":false,"room":"demo"}', Speaking(False, "demo")),
        ('{"type":"ping"}', Ping(None)),
        ('{"id":7,"type":"ping"}', Ping(7)),
    ],
)
def test_message_from_a_client_reads(text: str, message: FromClient) -> None:
    assert read_client_message(text.encode()) == message


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"subscribe","unknown":{"a":[1,2]},"have":{}}',
        '{"later":null,"type":"subscribe","room":null,"zzz":1}',
    ],
)
def test_unknown_fields_are_ignored(text: str) -> None:
    assert read_client_message(text.encode()) == Subscribe()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        '"ping"',
        '{"type":"snapshot"}',
        '{"type":"Ping"}',
        '{"type":""}',
        '{"type":null}',
        '{"type":1}',
        '{"type":"subscribe","docs":"state"}',
        '{"type":"subscribe","docs":[1]}',
        '{"type":"subscribe","have":[]}',
        '{"type":"subscribe","have":{"state":1.2}}',
        '{"type":"subscribe","room":1}',
        '{"type":"speaking"}',
        '{"type":"speaking","on":1}',
        '{"type":"speaking","on":true,"room":1}',
        '{"type":"applied","room":"demo"}',
        '{"type":"applied","room":"d","doc":"s","epoch":"1","version":2,"channel":"ws","lag_ms":1}',
    ],
)
def test_unknown_type_or_wrong_field_is_an_invalid_argument(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_client_message(text.encode())


@pytest.mark.parametrize("text", [b"", b"ping", b'{"type":"ping"', b'{"type":"nope"', b"\xff"])
def test_text_that_is_not_json_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        read_client_message(text)


@given(st.binary())
def test_arbitrary_bytes_raise_only_the_two_errors(text: bytes) -> None:
    try:
        read_client_message(text)
    except (Malformed, InvalidArgument):
        return


@pytest.mark.parametrize("depth", [300, 800, 950])
def test_pong_can_be_written_for_every_ping_that_was_read(depth: int) -> None:
    text = b'{"type":"ping","id":' + b"[" * depth + b"]" * depth + b"}"
    try:
        ping = read_client_message(text)
    except SeatsyncError:
        return
    assert isinstance(ping, Ping)
    assert wire.encode(Pong(id=ping.id, server_ts=1)).count(b"[") == depth


def test_problem_tells_code_sentence_and_whether_a_retry_helps() -> None:
    assert problem(Refused("locked", code="SEAT_LOCKED")) == Problem(
        code="SEAT_LOCKED", message="locked", retryable=False
    )


def test_problem_carries_the_facts_that_are_known() -> None:
    error = Unavailable("later", retry_after_ms=0, position=Position(0, 0))
    assert problem(error, cmd_id="c", room="demo", doc="state") == Problem(
        code="UNAVAILABLE",
        message="later",
        retryable=True,
        retry_after_ms=0,
        cmd_id="c",
        room="demo",
        doc="state",
        epoch=0,
        version=0,
    )


@pytest.mark.parametrize(
    ("text", "have"),
    [
        ("", {}),
        ("state:1.2", {"state": Position(1, 2)}),
        ("state:1.2,x-a:3.4", {"state": Position(1, 2), "x-a": Position(3, 4)}),
        ("state:1.2, x-a:3.4", {"state": Position(1, 2), "x-a": Position(3, 4)}),
        ("state:1.2,", {"state": Position(1, 2)}),
        ("state:1.2,state:1.3", {"state": Position(1, 3)}),
    ],
)
def test_have_is_documents_with_positions(text: str, have: dict[str, Position]) -> None:
    assert read_have(text) == have


@pytest.mark.parametrize(
    "text",
    ["state", "1.2", "state=1.2", "state:", "state:1", "state:1.2.3", "state: 1.2", ":1.2", " "],
)
def test_have_of_another_form_is_invalid(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_have(text)


@given(st.text(alphabet="state:x-,.0123456789 ") | st.text())
def test_arbitrary_have_raises_only_invalid_argument(text: str) -> None:
    try:
        have = read_have(text)
    except InvalidArgument:
        return
    assert all(parse_position(str(position)) == position for position in have.values())
