from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from push_samples import ANN, EPOCH, OWNER, Node, finish, kinds, read, take_all

from gateway.push import conversation
from gateway.push.mailbox import Key
from room.actor import Actor
from room.errors import RoomNotFound, Unavailable
from room.position import Position
from room.snapshot import Snapshot

LATEST = Position(EPOCH, 2)
"""Where the room of these tests stands: created, then a session started."""


async def test_caller_without_token_may_send_nothing_and_sees_less(node: Node) -> None:
    _, policy, state = await node.caller().open()
    assert (policy["view"], policy["commands"]) == ("anonymous", [])
    assert state["view"] == "anonymous"


async def test_snapshot_is_the_object_that_polls_are_answered_with(node: Node) -> None:
    caller = node.caller(ANN)
    await finish(caller.conversation.open(("state",), {}, 25_000))
    [state] = [item for item in take_all(caller.mailbox) if isinstance(item, Snapshot)]
    assert state is (await node.rooms.find("demo")).edition.view("member")


@pytest.mark.parametrize("have", [LATEST, Position(EPOCH, 900), Position(EPOCH + 1, 0)])
async def test_what_the_caller_has_is_not_sent(node: Node, have: Position) -> None:
    assert kinds(await node.caller().open(have={"state": have})) == ["welcome", "policy"]


@pytest.mark.parametrize("have", [Position(EPOCH, 1), Position(EPOCH - 1, 900)])
async def test_what_the_caller_has_not_is_sent(node: Node, have: Position) -> None:
    heard = await node.caller().open(have={"state": have})
    assert kinds(heard) == ["welcome", "policy", "snapshot"]


async def test_have_of_another_document_covers_nothing(node: Node) -> None:
    heard = await node.caller().open(have={"requests": LATEST})
    assert kinds(heard) == ["welcome", "policy", "snapshot"]


async def test_newer_snapshots_follow(node: Node) -> None:
    caller = node.caller()
    await caller.open(have={"state": LATEST})
    await node.send(ANN, "seat.take", seat_index=1)
    [state] = caller.heard()
    assert (state["version"], state["seats"][1]["status"]) == (3, "occupied")


async def test_unknown_room_is_refused_before_anything_is_said(node: Node) -> None:
    caller = node.caller(ANN, "nowhere")
    with pytest.raises(RoomNotFound):
        await finish(caller.conversation.open(("state",), {}, 25_000))
    assert caller.heard() == []
    assert len(node.hub) == 0


async def test_store_away_is_told_before_anything_is_said(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: str) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(node.poller, "_read", away)
    with pytest.raises(Unavailable):
        await finish(node.caller(None, "elsewhere").conversation.open(("state",), {}, 25_000))
    assert kinds(await node.caller().open()) == ["welcome", "policy", "snapshot"]


async def test_document_twice_in_the_wish_is_sent_once(node: Node) -> None:
    assert kinds(await node.caller().open("state", "state")) == ["welcome", "policy", "snapshot"]


@pytest.mark.parametrize("actor", [None, ANN, Actor("svc", kind="service")])
async def test_requests_are_forbidden_and_the_rest_stays(node: Node, actor: Actor | None) -> None:
    heard = await node.caller(actor).open("requests", "state")
    assert kinds(heard) == ["welcome", "error", "policy", "snapshot"]
    error = heard[1]
    assert (error["code"], error["room"], error["doc"]) == ("FORBIDDEN", "demo", "requests")
    assert error["retryable"] is False


async def test_owner_may_follow_requests(node: Node) -> None:
    assert "error" not in kinds(await node.caller(OWNER).open("requests", "state"))
    assert len(node.hub) == 2


@pytest.mark.parametrize("doc", ["nonsense", "x-UPPER", "x-", "State", ""])
async def test_document_that_cannot_be_is_not_found_and_the_rest_stays(
    node: Node, doc: str
) -> None:
    heard = await node.caller().open(doc, "state")
    assert kinds(heard) == ["welcome", "error", "policy", "snapshot"]
    assert (heard[1]["code"], heard[1]["doc"]) == ("DOC_NOT_FOUND", doc)


async def test_document_that_is_not_there_yet_may_be_followed(node: Node) -> None:
    assert kinds(await node.caller().open("x-score", "play")) == ["welcome", "policy"]
    assert len(node.hub) == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "MALFORMED"),
        (b"{", "MALFORMED"),
        (b"\xff\xfe", "MALFORMED"),
        (b"[" * 10_000, "MALFORMED"),
        (b"[]", "INVALID_ARGUMENT"),
        (b"null", "INVALID_ARGUMENT"),
        (b"{}", "INVALID_ARGUMENT"),
        (b'{"type":"dance"}', "INVALID_ARGUMENT"),
        (b'{"type":7}', "INVALID_ARGUMENT"),
        (b'{"type":"subscribe","docs":"state"}', "INVALID_ARGUMENT"),
        (b'{"type":"subscribe","have":{"state":"x"}}', "INVALID_ARGUMENT"),
        (b'{"type":"speaking"}', "INVALID_ARGUMENT"),
        (b'{"type":"cmd"}', "INVALID_ARGUMENT"),
    ],
)
async def test_what_cannot_be_read_is_an_error_and_the_connection_stays(
    node: Node, text: bytes, code: str
) -> None:
    caller = node.caller(ANN)
    await caller.open()
    await finish(caller.conversation.receive(text))
    [error] = caller.heard()
    assert (error["type"], error["code"]) == ("error", code)
    assert kinds(await caller.say(type="ping", id=1)) == ["pong"]
    await node.send(OWNER, "session.end")
    assert kinds(caller.heard()) == ["snapshot"]


async def test_unknown_fields_are_ignored(node: Node) -> None:
    caller = node.caller()
    [pong] = await caller.say(type="ping", id={"any": [1]}, mood="good")
    assert pong == {"type": "pong", "id": {"any": [1]}, "server_ts": node.clock_ms()}


@settings(deadline=None)
@given(text=st.binary(max_size=200))
async def test_arbitrary_bytes_are_answered_and_nothing_ends(text: bytes) -> None:
    node = Node()
    caller = node.caller(ANN)
    await finish(caller.conversation.receive(text))
    for message in caller.heard():
        assert message["type"] in ("error", "pong")


async def test_reports_and_speech_are_taken_without_an_answer(node: Node) -> None:
    caller = node.caller(ANN)
    report = {"room": "demo", "doc": "state", "epoch": 1, "version": 2, "lag_ms": 40}
    assert await caller.say(type="applied", channel="ws", **report) == []
    assert await caller.say(type="applied", channel="smoke", **report) == []
    assert await caller.say(type="speaking", on=True) == []
    text = node.metrics.render()
    assert b'seatsync_client_staleness_seconds_count{channel="ws"} 1.0' in text
    assert b"smoke" not in text


# Many rooms


async def test_connection_of_no_room_starts_with_welcome_alone(node: Node) -> None:
    assert kinds(await node.caller(ANN, None).open()) == ["welcome"]
    assert len(node.hub) == 0


async def test_subscribing_with_have_sends_what_is_newer(node: Node) -> None:
    caller = node.caller(None, None)
    known = await caller.say(type="subscribe", room="demo", have={"state": str(LATEST)})
    assert kinds(known) == ["policy"]
    older = await caller.say(type="subscribe", room="demo", have={"state": f"{EPOCH}.1"})
    assert kinds(older) == ["policy", "snapshot"]


async def test_subscribing_again_sends_the_newest_again(node: Node) -> None:
    caller = node.caller()
    await caller.open()
    assert kinds(await caller.say(type="subscribe")) == ["policy", "snapshot"]


async def test_subscribing_again_brings_later_changes_once(node: Node) -> None:
    caller = node.caller()
    await caller.open()
    await caller.say(type="subscribe")
    await node.send(OWNER, "seat.lock", seat_index=1)
    assert kinds(caller.heard()) == ["snapshot"]
    assert len(node.hub.followers(Key("demo", "state"))) == 1


async def test_subscribing_to_an_unknown_room_is_an_error(node: Node) -> None:
    caller = node.caller(ANN, None)
    [error] = await caller.say(type="subscribe", room="nowhere")
    assert (error["code"], error["room"]) == ("ROOM_NOT_FOUND", "nowhere")
    assert len(node.hub) == 0
    assert not node.audience.rooms()


@pytest.mark.parametrize(
    ("home", "room"), [("demo", "other"), (None, None), (None, "no/room"), (None, "x" * 65)]
)
@pytest.mark.parametrize("kind", ["subscribe", "unsubscribe", "cmd"])
async def test_room_that_cannot_be_meant_is_an_error(
    node: Node, home: str | None, room: str | None, kind: str
) -> None:
    await node.start("other")
    caller = node.caller(ANN, home)
    [error] = await caller.say(type=kind, room=room, cmd="seat.take", cmd_id="c1")
    assert error["code"] == "INVALID_ARGUMENT"
    assert len(node.hub) == 0


async def test_unsubscribed_room_is_silent_and_the_others_are_not(node: Node) -> None:
    await node.start("other")
    caller = node.caller(OWNER, None)
    for room in ("demo", "other"):
        await caller.say(type="subscribe", room=room, docs=["state", "requests"])
    assert await caller.say(type="unsubscribe", room="demo") == []
    await node.send(OWNER, "seat.take", room="demo", seat_index=0)
    assert caller.heard() == []
    await node.send(OWNER, "seat.take", room="other", seat_index=0)
    assert kinds(caller.heard()) == ["policy", "snapshot"]
    assert set(node.hub.followed()) == {Key("other", "state"), Key("other", "requests")}


async def test_unsubscribing_one_document_keeps_the_other(node: Node) -> None:
    caller = node.caller(OWNER)
    await caller.open("state", "requests")
    await caller.say(type="unsubscribe", docs=["state"])
    assert set(node.hub.followed()) == {Key("demo", "requests")}
    await node.send(OWNER, "seat.take", seat_index=0)
    assert kinds(caller.heard()) == ["policy"]


async def test_unsubscribing_drops_what_waits(node: Node) -> None:
    caller = node.caller()
    await caller.open()
    await node.send(OWNER, "session.end")
    assert await caller.say(type="unsubscribe") == []


async def test_unsubscribing_what_is_not_followed_is_fine(node: Node) -> None:
    assert await node.caller(ANN, None).say(type="unsubscribe", room="demo") == []


async def test_documents_followed_are_bounded(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "MAX_FOLLOWED", 2)
    caller = node.caller()
    heard = await caller.open("state", "play", "x-score")
    assert kinds(heard) == ["welcome", "error", "policy", "snapshot"]
    assert (heard[1]["code"], heard[1]["doc"]) == ("INVALID_ARGUMENT", "x-score")
    assert kinds(await caller.say(type="subscribe", docs=["state"])) == ["policy", "snapshot"]


async def test_closed_conversation_is_followed_by_nothing(node: Node) -> None:
    await node.start("other")
    caller = node.caller(ANN, None)
    for room in ("demo", "other"):
        await caller.say(type="subscribe", room=room)
    caller.conversation.close()
    assert len(node.hub) == 0
    assert not node.audience.rooms()
    await node.send(ANN, "seat.take", seat_index=1)
    assert caller.heard() == []
    caller.conversation.close()


# Commands


async def test_command_is_acked_before_the_snapshot_that_waits_and_already_in_memory(
    node: Node,
) -> None:
    """The ack is queued after the snapshot took its slot, and leaves first: it is a message."""
    caller = node.caller(ANN)
    await caller.open()
    args = {"seat_index": 1}
    ack, policy, state = await caller.say(type="cmd", cmd="seat.take", cmd_id="c1", args=args)
    assert (ack["type"], ack["cmd_id"], ack["changed"]) == ("ack", "c1", True)
    assert (policy["type"], state["type"]) == ("policy", "snapshot")
    assert (ack["epoch"], ack["version"]) == (state["epoch"], state["version"]) == (EPOCH, 3)
    assert (await node.rooms.find("demo")).edition.position == Position(EPOCH, 3)


async def test_snapshot_is_on_its_way_when_the_ack_is_said(node: Node) -> None:
    caller = node.caller(ANN)
    await caller.open()
    caller.mailbox.open()
    await caller.say(type="cmd", cmd="seat.take", cmd_id="c1", args={"seat_index": 1})
    assert kinds(list(map(read, caller.outlet.carried))) == ["snapshot", "policy", "ack"]


async def test_no_op_is_acked_and_nothing_is_pushed(node: Node) -> None:
    caller = node.caller(ANN)
    await caller.open()
    [ack] = await caller.say(type="cmd", cmd="seat.leave", cmd_id="c1", args={})
    assert (ack["changed"], ack["version"]) == (False, 2)


async def test_resent_command_gets_the_first_ack_again(node: Node) -> None:
    caller = node.caller(ANN)
    await caller.open()
    message = {"type": "cmd", "cmd": "seat.take", "cmd_id": "c1", "args": {"seat_index": 1}}
    first, *_ = await caller.say(**message)
    assert await caller.say(**message) == [first]
    other = {**message, "args": {"seat_index": 2}}
    [refusal] = await caller.say(**other)
    assert refusal["code"] == "IDEMPOTENCY_KEY_REUSED"


async def test_refusal_names_the_command_and_where_the_room_stands(node: Node) -> None:
    caller = node.caller(ANN)
    [refusal] = await caller.say(type="cmd", cmd="session.end", cmd_id="c1", args={})
    assert refusal["type"] == "error"
    assert (refusal["code"], refusal["cmd_id"]) == ("FORBIDDEN", "c1")
    assert (refusal["epoch"], refusal["version"]) == LATEST


async def test_command_names_its_room_on_a_connection_of_none(node: Node) -> None:
    caller = node.caller(ANN, None)
    args = {"seat_index": 1}
    [ack] = await caller.say(type="cmd", room="demo", cmd="seat.take", cmd_id="c1", args=args)
    assert ack["type"] == "ack"
    [refusal] = await caller.say(type="cmd", room="no", cmd="seat.leave", cmd_id="c2", args={})
    assert (refusal["code"], refusal["room"]) == ("ROOM_NOT_FOUND", "no")


async def test_command_without_token_is_refused(node: Node) -> None:
    caller = node.caller()
    [refusal] = await caller.say(type="cmd", cmd="seat.take", cmd_id="c1", args={"seat_index": 1})
    assert (refusal["code"], refusal["cmd_id"]) == ("UNAUTHENTICATED", "c1")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"cmd": "seat.fly", "cmd_id": "c1"}, "UNKNOWN_COMMAND"),
        ({"cmd": "seat.take", "cmd_id": "c1"}, "INVALID_ARGUMENT"),
        ({"cmd": "seat.leave"}, "INVALID_ARGUMENT"),
        ({"cmd": "seat.leave", "cmd_id": ""}, "INVALID_ARGUMENT"),
        ({"cmd": "seat.leave", "cmd_id": "c1", "if_version": f"{EPOCH}.1"}, "VERSION_MISMATCH"),
        ({"cmd": "seat.leave", "cmd_id": "c1", "if_version": "x"}, "INVALID_ARGUMENT"),
    ],
)
async def test_command_that_is_not_well_formed_is_refused(
    node: Node, fields: dict[str, str], code: str
) -> None:
    [refusal] = await node.caller(ANN).say(type="cmd", **fields)
    assert (refusal["type"], refusal["code"]) == ("error", code)


# Policy


async def test_room_of_which_nothing_is_followed_is_not_listened_to(node: Node) -> None:
    caller = node.caller(ANN)
    await caller.open()
    heard = await caller.say(type="subscribe", docs=["nonsense"])
    assert kinds(heard) == ["error", "policy"]
    await caller.say(type="unsubscribe")
    await caller.say(type="subscribe", docs=["nonsense"])
    await node.send(ANN, "seat.take", seat_index=1)
    assert caller.heard() == []


async def test_command_without_a_token_is_told_so_before_all_else(node: Node) -> None:
    (error,) = await node.caller(home=None).say(type="cmd", cmd="nonsense", cmd_id="c1")
    assert (error["code"], error["cmd_id"]) == ("UNAUTHENTICATED", "c1")
