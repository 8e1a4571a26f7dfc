from __future__ import annotations

import pytest
from push_samples import ANN, EPOCH, OWNER, Node, kinds

from gateway.push.mailbox import Key
from poller import Found
from room.actor import Actor
from room.position import Position
from room.snapshot import Edition

KEY = Key("demo", "state")
MEMBER = [
    "seat.take",
    "request.apply",
    "request.cancel",
    "invite.accept",
    "invite.reject",
]
LATEST = Position(EPOCH, 2)
"""Where the room of these tests stands: created, then a session started."""


async def test_welcome_then_policy_then_snapshot(node: Node) -> None:
    welcome, policy, state = await node.caller(ANN).open()
    assert welcome == {
        "type": "welcome",
        "conn_id": "c_7",
        "schema": 1,
        "ping_ms": 25_000,
        "server_ts": node.clock_ms(),
    }
    assert (policy["type"], policy["room"], policy["view"]) == ("policy", "demo", "member")
    assert policy["commands"] == MEMBER
    assert (state["type"], state["doc"], state["view"]) == ("snapshot", "state", "member")
    assert (state["epoch"], state["version"]) == LATEST


async def test_subscribing_brings_policy_and_snapshot_of_each_room(node: Node) -> None:
    await node.start("other")
    caller = node.caller(ANN, None)
    await caller.open()
    for room in ("demo", "other"):
        policy, state = await caller.say(type="subscribe", room=room, docs=["state"])
        assert (policy["type"], policy["room"]) == ("policy", room)
        assert (state["type"], state["room"]) == ("snapshot", room)
    await node.send(OWNER, "session.end", room="other")
    await node.send(OWNER, "session.end", room="demo")
    assert [state["room"] for state in caller.heard()] == ["other", "demo"]


async def test_policy_changes_on_all_devices_when_the_user_is_seated(node: Node) -> None:
    phone, desk, stranger = node.caller(ANN), node.caller(ANN), node.caller(Actor("bob"))
    for caller in (phone, desk, stranger):
        await caller.open()
    await node.send(ANN, "seat.take", seat_index=1)
    for caller in (phone, desk):
        policy, state = caller.heard()
        assert set(policy["commands"]) == {*MEMBER, "seat.leave", "seat.move", "mic.set"}
        assert state["type"] == "snapshot"
    assert kinds(stranger.heard()) == ["snapshot"]
    await node.send(OWNER, "seat.kick", user_id="ann")
    policy, _ = phone.heard()
    assert policy["commands"] == MEMBER


async def test_policy_stays_unsaid_where_the_standing_stays(node: Node) -> None:
    caller = node.caller(ANN)
    await caller.open()
    await node.send(OWNER, "seat.lock", seat_index=1)
    assert kinds(caller.heard()) == ["snapshot"]


async def test_newest_policy_is_the_only_one_that_waits(node: Node) -> None:
    caller = node.caller(ANN)
    await caller.open()
    await node.send(ANN, "seat.take", seat_index=1)
    await node.send(ANN, "seat.leave")
    policy, state = caller.heard()
    assert policy["commands"] == MEMBER
    assert state["version"] == 4


async def test_policy_that_changes_while_the_room_is_being_read_is_the_one_heard(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room that left the memory is read again, and a change may come just then."""
    caller = node.caller(ANN)
    find = node.rooms.find

    async def slow_find(room: str) -> Found[Edition]:
        found = await find(room)
        await node.send(ANN, "seat.take", seat_index=1)
        return found

    monkeypatch.setattr(node.rooms, "find_now", lambda room: None)
    monkeypatch.setattr(node.rooms, "find", slow_find)
    _, policy, state = await caller.open()
    assert state["version"] == 3
    assert "seat.leave" in policy["commands"]


async def test_standing_of_an_older_state_than_the_caller_has_heard_of_changes_nothing(
    node: Node,
) -> None:
    """Who enters while a course is on its way has read what is newer at the door."""
    older = node.poller.held("demo")
    assert older is not None
    await node.send(OWNER, "role.grant", user_id="ann", role="admin")
    caller = node.caller(ANN)
    await caller.open("requests")
    node.audience.tell(older.stored, None)
    node.audience.tell(older.stored, ["ann"])
    assert caller.heard() == []
    assert node.hub.is_followed(Key("demo", "requests"))
