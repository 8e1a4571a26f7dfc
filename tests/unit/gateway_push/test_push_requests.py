"""Requests on push connections: the document for owner and admins, messages for both parties."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from push_samples import ANN, EPOCH, OWNER, Caller, Node, kinds, read
from push_turns import Turns

from gateway.push.hub import Hub
from gateway.push.mailbox import Key
from gateway.push.sweep import CHUNK
from poller import Found
from room.actor import Actor
from room.commands import SystemExpire
from room.rules.requests import APPLICATION_MS
from room.snapshot import Edition

BOB = Actor("bob", nickname="Bob")
REQUESTS = Key("demo", "requests")


@pytest.fixture
async def node() -> Node:
    """A room in which one applies for a seat."""
    started = Node()
    await started.start()
    await started.send(OWNER, "seat.mode.set", mode="apply")
    return started


async def opened(node: Node, actor: Actor | None, *docs: str) -> Caller:
    """Connect somebody, and drop what they hear first."""
    caller = node.caller(actor)
    await caller.open(*docs)
    return caller


async def apply(node: Node, actor: Actor = ANN, **args: Any) -> str:
    """Apply for a seat, and give the request's id."""
    ack = await node.send(actor, "request.apply", **args)
    return str(ack.result["request_id"])


def requests_in(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the ``request`` messages among what was heard."""
    return [message["request"] for message in messages if message["type"] == "request"]


async def test_both_parties_hear_that_an_application_waits(node: Node) -> None:
    applicant, owner = await opened(node, ANN), await opened(node, OWNER)
    request_id = await apply(node, seat_index=2)
    for caller in (applicant, owner):
        assert caller.heard() == [
            {
                "type": "request",
                "room": "demo",
                "request": {
                    "request_id": request_id,
                    "kind": "apply",
                    "from": "ann",
                    "to": "alice",
                    "seat_index": 2,
                    "expires_at": node.clock_ms() + APPLICATION_MS,
                },
            }
        ]


async def test_nobody_else_hears_of_a_request(node: Node) -> None:
    await node.send(OWNER, "role.grant", user_id="bob", role="admin")
    others = [await opened(node, actor) for actor in (BOB, None, Actor("eve"))]
    request_id = await apply(node)
    await node.send(OWNER, "request.reject", request_id=request_id)
    assert [caller.heard() for caller in others] == [[], [], []]


@pytest.mark.parametrize(
    ("sender", "command", "outcome"),
    [
        (OWNER, "request.accept", "accepted"),
        (OWNER, "request.reject", "rejected"),
        (ANN, "request.cancel", "cancelled"),
    ],
)
async def test_both_parties_hear_how_an_application_ended(
    node: Node, sender: Actor, command: str, outcome: str
) -> None:
    request_id = await apply(node)
    callers = [await opened(node, actor) for actor in (ANN, OWNER)]
    await node.send(sender, command, request_id=request_id)
    for caller in callers:
        [request] = requests_in(caller.heard())
        assert (request["request_id"], request["outcome"]) == (request_id, outcome)


async def test_both_parties_hear_that_a_request_ran_out(node: Node) -> None:
    await apply(node)
    callers = [await opened(node, actor) for actor in (ANN, OWNER)]
    node.clock_ms.now_ms += APPLICATION_MS
    assert await node.rooms.apply("demo", SystemExpire())
    outcomes = [requests_in(caller.heard())[0]["outcome"] for caller in callers]
    assert outcomes == ["expired", "expired"]


async def test_invitation_goes_from_whoever_sent_it_to_the_invitee(node: Node) -> None:
    await node.send(OWNER, "role.grant", user_id="bob", role="admin")
    admin, invitee, owner = [await opened(node, actor) for actor in (BOB, ANN, OWNER)]
    await node.send(BOB, "invite.send", user_id="ann", seat_index=1)
    for caller in (admin, invitee):
        [request] = requests_in(caller.heard())
        assert (request["kind"], request["from"], request["to"]) == ("invite", "bob", "ann")
    assert owner.heard() == []


async def test_newest_of_one_request_is_the_only_one_that_waits(node: Node) -> None:
    applicant = await opened(node, ANN)
    first = await apply(node)
    await node.send(OWNER, "request.reject", request_id=first)
    second = await apply(node)
    told = [(item["request_id"], item.get("outcome")) for item in requests_in(applicant.heard())]
    assert told == [(first, "rejected"), (second, None)]


async def test_who_connects_hears_of_what_waits_for_them(node: Node) -> None:
    request_id = await apply(node)
    for actor in (ANN, OWNER):
        heard = await node.caller(actor).open()
        assert kinds(heard) == ["welcome", "policy", "request", "snapshot"]
        assert heard[2]["request"]["request_id"] == request_id
    for actor_or_none in (BOB, None):
        assert "request" not in kinds(await node.caller(actor_or_none).open())


async def test_who_connects_later_does_not_hear_of_what_ended_before(node: Node) -> None:
    request_id = await apply(node)
    await node.send(OWNER, "request.reject", request_id=request_id)
    assert "request" not in kinds(await node.caller(ANN).open())


async def test_who_subscribes_hears_of_what_waits_for_them_in_that_room(node: Node) -> None:
    request_id = await apply(node)
    caller = node.caller(ANN, None)
    await caller.open()
    [request] = requests_in(await caller.say(type="subscribe", room="demo"))
    assert request["request_id"] == request_id


async def test_who_follows_requests_is_sent_each_change_of_them(node: Node) -> None:
    owner = await opened(node, OWNER, "requests")
    await apply(node)
    request, snapshot = owner.heard()
    assert (request["type"], snapshot["type"]) == ("request", "snapshot")
    assert (snapshot["doc"], snapshot["version"], snapshot["total"]) == ("requests", 2, 1)
    assert [item["user"]["user_id"] for item in snapshot["items"]] == ["ann"]


async def test_requests_do_not_wake_who_follows_the_state(node: Node) -> None:
    viewer = await opened(node, BOB)
    await apply(node)
    assert viewer.heard() == []


async def test_change_of_state_does_not_send_requests_again(node: Node) -> None:
    owner = await opened(node, OWNER, "state", "requests")
    await node.send(OWNER, "seat.lock", seat_index=1)
    assert [message["doc"] for message in owner.heard()] == ["state"]


async def test_requests_are_encoded_only_where_somebody_follows_them(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    publish = Hub.publish

    def noting(hub: Hub, edition: Any) -> None:
        published.append(edition.doc)
        publish(hub, edition)

    monkeypatch.setattr(Hub, "publish", noting)
    await apply(node)
    held = node.poller.held("demo")
    assert isinstance(held, Edition)
    assert published == []
    assert "requests" not in held.__dict__
    await opened(node, OWNER, "requests")
    await apply(node, BOB)
    assert published == ["requests"]


async def test_admin_who_is_none_any_more_follows_requests_no_longer(node: Node) -> None:
    await node.send(OWNER, "role.grant", user_id="bob", role="admin")
    admin = await opened(node, BOB, "state", "requests")
    await node.send(OWNER, "role.revoke", user_id="bob", role="admin")
    error, policy, state = admin.heard()
    assert (error["type"], error["code"]) == ("error", "FORBIDDEN")
    assert (error["room"], error["doc"]) == ("demo", "requests")
    assert "request.accept" not in policy["commands"]
    assert state["doc"] == "state"
    assert not node.hub.is_followed(REQUESTS)
    await apply(node)
    assert admin.heard() == []


async def test_requests_that_wait_to_be_sent_go_with_the_right_to_read_them(node: Node) -> None:
    await node.send(OWNER, "role.grant", user_id="bob", role="admin")
    admin = await opened(node, BOB, "requests")
    await apply(node)
    await node.send(OWNER, "role.revoke", user_id="bob", role="admin")
    assert kinds(admin.heard()) == ["error", "policy"]


async def test_who_becomes_an_admin_may_follow_requests_from_then_on(node: Node) -> None:
    caller = await opened(node, BOB)
    assert kinds(await caller.say(type="subscribe", docs=["requests"])) == ["error", "policy"]
    await node.send(OWNER, "role.grant", user_id="bob", role="admin")
    caller.heard()
    heard = await caller.say(type="subscribe", docs=["requests"])
    assert [message["doc"] for message in heard if message["type"] == "snapshot"] == ["requests"]


async def test_ack_names_where_requests_stand(node: Node) -> None:
    ack = await node.send(ANN, "request.apply")
    assert ack.positions == {"requests": f"{EPOCH}.2"}


async def test_requests_read_while_the_right_to_them_goes_are_not_sent(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.send(OWNER, "role.grant", user_id="bob", role="admin")
    await apply(node)
    find = node.rooms.find

    async def slow_find(room: str) -> Found[Edition]:
        found = await find(room)
        await node.send(OWNER, "role.revoke", user_id="bob", role="admin")
        return found

    monkeypatch.setattr(node.rooms, "find_now", lambda room: None)
    monkeypatch.setattr(node.rooms, "find", slow_find)
    heard = await node.caller(BOB).open("requests")
    assert kinds(heard) == ["welcome", "error", "policy"]
    assert heard[1]["code"] == "FORBIDDEN"
    assert not node.hub.is_followed(REQUESTS)


async def test_requests_are_not_brought_to_whom_the_loss_of_the_right_has_yet_to_be_told(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that held nothing of the room tells all who are in it, in slices; so does a sweep."""
    await node.send(OWNER, "role.grant", user_id="bob", role="admin")
    for _ in range(2 * CHUNK):
        await opened(node, None)
    admin = await opened(node, BOB, "requests")
    admin.mailbox.open()
    turns = Turns()
    node.hub._sweep = node.audience._sweep = turns.sweep
    monkeypatch.setattr(node.poller._cache, "peek", lambda key: None)
    before = node.poller.held("demo")
    assert before is not None
    stored = before.stored
    newest = msgspec.structs.replace(
        stored,
        state=msgspec.structs.replace(stored.state, admins=()),
        position=stored.position._replace(version=stored.position.version + 1),
        requests_version=stored.requests_version + 1,
    )
    node.poller.put(Edition(newest))
    turns.finish()
    assert kinds([read(item) for item in admin.outlet.carried]) == ["policy", "error"]
    assert not node.hub.is_followed(REQUESTS)
