"""``x-`` documents on push connections."""

from __future__ import annotations

from typing import Any

import pytest
from push_samples import ANN, EPOCH, Caller, Node, kinds

from gateway.push.mailbox import Key
from room.actor import Actor
from room.position import Position

SCORES = Actor("scores", "service", docs=("x-score",))
SCORE = Key("demo", "x-score")


async def put(node: Node, points: int, doc: str = "x-score") -> Position:
    """Set the document as its service does."""
    body = b'{"points":%d}' % points
    stored, _ = await node.rooms.put_document("demo", SCORES, doc, body)
    return stored.position


@pytest.fixture
async def follower(node: Node) -> Caller:
    """Somebody without a token who follows a document that is not there yet."""
    caller = node.caller()
    await caller.open("x-score")
    return caller


async def test_document_that_is_not_there_is_followed_without_an_error(node: Node) -> None:
    assert kinds(await node.caller(ANN).open("x-score")) == ["welcome", "policy"]
    assert node.hub.is_followed(SCORE)


async def test_its_first_snapshot_follows_when_it_is_set(node: Node, follower: Caller) -> None:
    await put(node, 7)
    [snapshot] = follower.heard()
    assert (snapshot["doc"], snapshot["epoch"], snapshot["version"]) == ("x-score", EPOCH, 1)
    assert snapshot["data"] == {"points": 7}


async def test_each_change_follows_and_an_equal_value_does_not(
    node: Node, follower: Caller
) -> None:
    versions = []
    for points in (7, 7, 8):
        await put(node, points)
        versions.append([message["version"] for message in follower.heard()])
    assert versions == [[1], [], [2]]


async def test_newest_is_the_only_one_that_waits(node: Node, follower: Caller) -> None:
    for points in range(5):
        await put(node, points)
    assert [message["data"]["points"] for message in follower.heard()] == [4]


async def test_document_that_is_there_is_sent_at_once_less_what_the_caller_has(
    node: Node,
) -> None:
    position = await put(node, 7)
    heard: list[dict[str, Any]] = await node.caller(ANN).open("x-score", "state")
    assert [message.get("doc") for message in heard[2:]] == ["x-score", "state"]
    have = {"x-score": position}
    assert kinds(await node.caller(ANN).open("x-score", have=have)) == ["welcome", "policy"]


async def test_it_does_not_wake_who_follows_the_state(node: Node) -> None:
    viewer = node.caller()
    await viewer.open()
    await put(node, 7)
    assert viewer.heard() == []


async def test_unsubscribed_document_is_silent(node: Node, follower: Caller) -> None:
    await follower.say(type="unsubscribe", docs=["x-score"])
    await put(node, 7)
    assert follower.heard() == []
    assert not len(node.hub)
