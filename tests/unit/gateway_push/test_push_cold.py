"""Rooms and documents that are not in memory: only these are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from push_samples import ANN, Node, finish, kinds, settle

from gateway.push.mailbox import Key
from poller import Found
from room.actor import Actor
from room.errors import InvalidArgument, RoomNotFound, Unavailable
from room.snapshot import Edition

SCORES = Actor("scores", "service", docs=("x-score",))


class Gate:
    """Rooms are cold, and read only when it is opened."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = asyncio.Event()
        self._find = node.rooms.find
        monkeypatch.setattr(node.rooms, "find_now", lambda room: None)
        monkeypatch.setattr(node.rooms, "find", self.find)

    async def find(self, room: str) -> Found[Edition]:
        await self.opened.wait()
        return await self._find(room)


@pytest.fixture
def gate(node: Node, monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(node, monkeypatch)


@pytest.fixture
def failing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store does not answer for documents."""

    async def away(*_: Any) -> None:
        raise Unavailable("away")

    monkeypatch.setattr(node.documents, "_read", away)


async def test_what_is_in_memory_is_followed_without_waiting(node: Node) -> None:
    caller = node.caller(ANN)
    assert caller.conversation.open(("state",), {}, 25_000) is None
    assert kinds(caller.heard()) == ["welcome", "policy", "snapshot"]


async def test_document_that_is_known_not_to_be_there_is_followed_without_waiting(
    node: Node,
) -> None:
    await node.caller().open("x-score")
    caller = node.caller()
    assert caller.conversation.open(("x-score",), {}, 25_000) is None
    assert node.hub.followers(Key("demo", "x-score")) != ()


async def test_nothing_is_said_before_a_cold_room_was_read(node: Node, gate: Gate) -> None:
    caller = node.caller(ANN)
    opening = asyncio.ensure_future(finish(caller.conversation.open(("state",), {}, 25_000)))
    await settle()
    assert caller.heard() == []
    gate.opened.set()
    await opening
    assert kinds(caller.heard()) == ["welcome", "policy", "snapshot"]


async def test_caller_who_leaves_while_a_cold_room_is_read_was_never_there(
    node: Node, gate: Gate
) -> None:
    caller = node.caller(ANN)
    opening = asyncio.ensure_future(finish(caller.conversation.open(("state",), {}, 25_000)))
    await settle()
    opening.cancel()
    await asyncio.wait({opening})
    gate.opened.set()
    await settle()
    assert (len(node.hub), tuple(node.audience.rooms())) == (0, ())


async def test_closed_conversation_enters_no_room_that_it_asked_for(node: Node, gate: Gate) -> None:
    caller = node.caller(ANN, None)
    asking = asyncio.ensure_future(caller.say(type="subscribe", room="demo"))
    await settle()
    caller.conversation.close()
    gate.opened.set()
    await asking
    assert (len(node.hub), tuple(node.audience.rooms())) == (0, ())


async def test_cold_room_that_does_not_exist_is_told(node: Node, gate: Gate) -> None:
    gate.opened.set()
    with pytest.raises(RoomNotFound):
        await node.caller(ANN, "nowhere").open()
    [error] = await node.caller(ANN, None).say(type="subscribe", room="nowhere")
    assert (error["code"], error["room"]) == ("ROOM_NOT_FOUND", "nowhere")


@pytest.mark.usefixtures("failing")
async def test_document_that_can_not_be_read_is_told_and_followed_and_the_others_go_on(
    node: Node,
) -> None:
    heard = await node.caller(ANN).open("x-score", "state")
    assert kinds(heard) == ["welcome", "error", "policy", "snapshot"]
    assert (heard[1]["code"], heard[1]["doc"], heard[1]["retryable"]) == (
        "UNAVAILABLE",
        "x-score",
        True,
    )
    assert node.hub.is_followed(Key("demo", "x-score"))


@pytest.mark.usefixtures("failing")
async def test_store_that_is_known_to_be_away_keeps_no_other_document_back(node: Node) -> None:
    for _ in range(2):
        heard = await node.caller(ANN).open("x-score", "state")
        assert kinds(heard) == ["welcome", "error", "policy", "snapshot"]
    asked = await node.caller(ANN, None).say(
        type="subscribe", room="demo", docs=["x-score", "state"]
    )
    assert kinds(asked) == ["error", "policy", "snapshot"]


@pytest.mark.parametrize("docs", [(), ["state"] * 65])
async def test_number_of_documents_in_one_request_is_bounded(
    node: Node, docs: Sequence[str]
) -> None:
    caller = node.caller(ANN)
    with pytest.raises(InvalidArgument):
        caller.conversation.open(docs, {}, 25_000)
    assert caller.heard() == []
    [error] = await caller.say(type="subscribe", docs=list(docs))
    assert error["code"] == "INVALID_ARGUMENT"
    assert len(node.hub) == 0
