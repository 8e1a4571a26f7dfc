"""People beside the documents: signs of life, who speaks, how many are there."""

from __future__ import annotations

from typing import Any

import pytest
from push_samples import ANN, OWNER, Caller, Node, kinds, settle

from room.errors import Refused

SPEAKING = b'{"type":"speaking","room":"demo","seats":[1],"ts":7}'


@pytest.fixture
async def caller(node: Node) -> Caller:
    """A connection of Ann's."""
    connected = node.caller(ANN)
    await connected.open()
    node.presence.touched.clear()
    return connected


async def test_entering_a_room_is_a_sign_of_life(node: Node) -> None:
    await node.caller(ANN).open()
    assert node.presence.touched == [("demo", "ann")]


async def test_subscribing_is_a_sign_of_life(node: Node) -> None:
    caller = node.caller(ANN, None)
    await caller.open()
    assert node.presence.touched == []
    await caller.say(type="subscribe", room="demo")
    assert node.presence.touched == [("demo", "ann")]


async def test_caller_without_a_token_gives_no_sign(node: Node) -> None:
    await node.caller().open()
    assert node.presence.touched == []


async def test_accepted_command_is_a_sign_of_life(node: Node, caller: Caller) -> None:
    await caller.say(type="cmd", cmd="seat.take", cmd_id="c1", args={"seat_index": 1})
    assert node.presence.touched == [("demo", "ann")]


async def test_everybody_connected_is_in_the_audience(node: Node) -> None:
    for actor in (ANN, None, None):
        await node.caller(actor).open()
    assert node.audience.count("demo") == 3
    assert node.audience.is_present("demo", "ann")


async def test_who_closes_is_gone(node: Node, caller: Caller) -> None:
    caller.conversation.close()
    assert node.presence.left == ["c_7"]
    assert not node.audience.is_present("demo", "ann")
    assert not node.audience.rooms()


async def test_who_enters_hears_who_speaks_and_the_counter_knows_of_them(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node.presence, "speaking", lambda room: SPEAKING)
    caller = node.caller()
    assert kinds(await caller.open()) == ["welcome", "policy", "snapshot", "speaking"]
    again = await caller.say(type="subscribe", docs=["state"])
    assert kinds(again) == ["policy", "snapshot"]
    assert node.presence.entered == ["demo"]


async def test_who_enters_hears_nothing_of_what_is_not_known(node: Node) -> None:
    assert kinds(await node.caller().open()) == ["welcome", "policy", "snapshot"]


async def test_newest_count_and_newest_speakers_are_the_only_ones_that_wait(
    node: Node, caller: Caller
) -> None:
    for slot in ("online", "speaking"):
        for number in (1, 2):
            message = b'{"type":"%s","number":%d}' % (slot.encode(), number)
            node.audience.say("demo", slot, message)
    heard = [(message["type"], message["number"]) for message in caller.heard()]
    assert heard == [("online", 2), ("speaking", 2)]


@pytest.mark.parametrize("on", [True, False])
async def test_who_speaks_is_passed_on_without_an_answer(
    node: Node, caller: Caller, on: bool
) -> None:
    assert await caller.say(type="speaking", on=on) == []
    assert node.presence.spoke == [("demo", "ann", "c_7", on)]


async def test_who_speaks_names_the_room_on_a_connection_of_none(node: Node) -> None:
    caller = node.caller(ANN, None)
    await caller.open()
    [error] = await caller.say(type="speaking", on=True)
    assert error["code"] == "INVALID_ARGUMENT"
    assert node.presence.spoke == []
    assert await caller.say(type="speaking", on=True, room="demo") == []
    assert node.presence.spoke == [("demo", "ann", "c_7", True)]


async def test_who_speaks_in_another_room_than_the_connection_is_for_is_refused(
    node: Node, caller: Caller
) -> None:
    [error] = await caller.say(type="speaking", on=True, room="other")
    assert error["code"] == "INVALID_ARGUMENT"
    assert node.presence.spoke == []


async def test_caller_without_a_token_cannot_speak(node: Node) -> None:
    caller = node.caller()
    await caller.open()
    [error] = await caller.say(type="speaking", on=True)
    assert (error["type"], error["code"]) == ("error", "UNAUTHENTICATED")
    assert node.presence.spoke == []


async def test_who_speaks_without_a_seat_is_told_so_and_the_connection_stays(
    node: Node, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, on: bool) -> None:
        raise Refused("only those on a seat speak", code="NOT_ON_SEAT")

    monkeypatch.setattr(node.presence, "speak", refuse)
    [error] = await caller.say(type="speaking", on=True)
    assert error["code"] == "NOT_ON_SEAT"
    assert kinds(await caller.say(type="ping", id=1)) == ["pong"]


async def test_unsubscribing_a_room_leaves_its_audience(node: Node) -> None:
    caller = node.caller(ANN, None)
    await caller.say(type="subscribe", room="demo")
    await caller.say(type="unsubscribe", room="demo")
    assert not node.audience.rooms()


async def test_command_of_somebody_who_left_meanwhile_is_carried_out(
    node: Node, caller: Caller
) -> None:
    caller.conversation.close()
    await caller.say(type="cmd", cmd="seat.take", cmd_id="c1", args={"seat_index": 1})
    await settle()
    assert (await node.rooms.find("demo")).edition.seated_users == {"ann"}
    assert OWNER.user_id not in (await node.rooms.find("demo")).edition.seated_users


async def test_end_of_a_connection_is_its_last_sign_of_life(node: Node, caller: Caller) -> None:
    """Leases may not have been renewed while it was open: the store may have been away."""
    node.presence.touched.clear()
    caller.conversation.close()
    assert node.presence.touched == [("demo", "ann")]
