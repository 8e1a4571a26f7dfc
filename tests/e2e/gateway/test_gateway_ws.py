"""The WebSocket: what is said, in which order, and what a client may ask (PROTOCOL.md 6)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_kit import (
    OWNER,
    ROOM,
    Node,
    greeted,
    hear,
    position,
    settled,
)

PUSH = f"/v1/rooms/{ROOM}/push"
DEMO_COMMANDS = {"session.start", "session.end", "seat.take", "seat.move", "seat.kick"}


@pytest.mark.parametrize("user", [None, "bob"])
@pytest.mark.parametrize("protocols", [("seatsync.v1",), (), ("x", "seatsync.v1"), ("x",)])
async def test_welcome_then_policy_then_the_newest_snapshot(
    node: Node, user: str | None, protocols: tuple[str, ...]
) -> None:
    here = await node.live()
    async with node.ws(user=user, protocols=protocols) as socket:
        assert socket.protocol == ("seatsync.v1" if "seatsync.v1" in protocols else None)
        welcome, policy, snapshot = [await hear(socket) for _ in range(3)]
        assert set(welcome) == {"type", "conn_id", "schema", "ping_ms", "server_ts"}
        assert (welcome["type"], welcome["schema"], welcome["ping_ms"]) == ("welcome", 1, 25_000)
        view = "anonymous" if user is None else "member"
        assert (policy["type"], policy["room"], policy["view"]) == ("policy", ROOM, view)
        assert (snapshot["type"], snapshot["view"]) == ("snapshot", view)
        assert position(snapshot) == here
        assert await settled(socket) == []


async def test_the_policy_says_what_the_caller_may_send(node: Node) -> None:
    await node.live()
    heard = {}
    for user in (None, "bob", OWNER):
        async with node.ws(user=user) as socket:
            heard[user] = set((await hear(socket, "policy"))["commands"])
    assert heard[None] == set()
    assert "seat.take" in heard["bob"]
    assert not heard["bob"] & {"session.start", "session.end", "seat.kick"}
    assert heard[OWNER] >= DEMO_COMMANDS


async def test_the_policy_is_told_again_when_it_changes(node: Node) -> None:
    await node.live()
    async with node.ws(user="bob") as bob, node.ws(user="carol") as carol:
        await greeted(bob)
        await greeted(carol)
        await node.do("bob", "seat.take", seat_index=1)
        assert "mic.set" in (await hear(bob, "policy"))["commands"]
        await node.do("bob", "seat.leave")
        assert "mic.set" not in (await hear(bob, "policy"))["commands"]
        assert [message["type"] for message in await settled(carol)].count("policy") == 0


async def test_every_newer_snapshot_follows_in_order(node: Node) -> None:
    await node.live()
    async with node.ws() as socket:
        await greeted(socket)
        acks = [
            await node.do("bob", cmd, **args)
            for _ in range(10)
            for cmd, args in (("seat.take", {"seat_index": 3}), ("seat.leave", {}))
        ]
        heard = [await hear(socket)]
        while position(heard[-1]) != position(acks[-1]):
            heard.append(await hear(socket))
        versions = [message["version"] for message in heard]
        assert versions == sorted(set(versions))


HAVES = [("{here}", 0), ("{epoch}.999", 0), ("9007199254740991.0", 0), ("0.0", 1), ("{epoch}.1", 1)]


@pytest.mark.parametrize(("have", "snapshots"), HAVES)
async def test_have_leaves_out_what_the_reader_holds(node: Node, have: str, snapshots: int) -> None:
    here = await node.live()
    have = have.format(here=here, epoch=here.partition(".")[0])
    async with node.ws(f"{PUSH}?have=state:{have}") as socket:
        heard = [message["type"] for message in await settled(socket)]
        assert heard == ["welcome", "policy"] + ["snapshot"] * snapshots
    async with node.ws("/v1/push") as socket:
        await hear(socket, "welcome")
        await socket.send_json({"type": "subscribe", "room": ROOM, "have": {"state": have}})
        heard = [message["type"] for message in await settled(socket)]
        assert heard == ["policy"] + ["snapshot"] * snapshots


async def test_have_does_not_hold_back_what_comes_later(node: Node) -> None:
    here = await node.live()
    async with node.ws(f"{PUSH}?have=state:{here}") as socket:
        await settled(socket)
        ack = await node.do("bob", "seat.take", seat_index=3)
        assert position(await hear(socket, "snapshot")) == position(ack)


@pytest.mark.parametrize("mark", [7, "x", None, [1, {"a": "ü"}], 1.5, "\u2028"])
async def test_a_ping_is_answered_by_its_id(node: Node, mark: Any) -> None:
    await node.live()
    async with node.ws() as socket:
        await greeted(socket)
        await socket.send_json({"type": "ping", "id": mark})
        pong = await hear(socket)
        assert (pong["type"], pong["id"]) == ("pong", mark)
        assert isinstance(pong["server_ts"], int)


WRONG = [
    ("{", "MALFORMED"),
    ("", "MALFORMED"),
    ("nonsense", "MALFORMED"),
    ('{"type":"ping"}{}', "MALFORMED"),
    ('{"type":"ping","id":"\\ud800"}', "MALFORMED"),
    ("[" * 8000, "MALFORMED"),
    ("[]", "INVALID_ARGUMENT"),
    ("null", "INVALID_ARGUMENT"),
    ("{}", "INVALID_ARGUMENT"),
    ('{"type":"dance"}', "INVALID_ARGUMENT"),
    ('{"type":5}', "INVALID_ARGUMENT"),
    ('{"type":"welcome"}', "INVALID_ARGUMENT"),
    ('{"type":"snapshot"}', "INVALID_ARGUMENT"),
    ('{"type":"cmd"}', "INVALID_ARGUMENT"),
    ('{"type":"subscribe","docs":"state"}', "INVALID_ARGUMENT"),
    ('{"type":"subscribe","docs":[5]}', "INVALID_ARGUMENT"),
    ('{"type":"subscribe","have":{"state":"x"}}', "INVALID_ARGUMENT"),
    ('{"type":"subscribe","have":{"state":5}}', "INVALID_ARGUMENT"),
    ('{"type":"subscribe","room":"a/b"}', "INVALID_ARGUMENT"),
    ('{"type":"subscribe","room":"another"}', "INVALID_ARGUMENT"),
    ('{"type":"applied"}', "INVALID_ARGUMENT"),
]


async def test_what_is_wrong_gets_an_error_and_the_connection_stays(node: Node) -> None:
    await node.live()
    async with node.ws(user="bob") as socket, node.ws() as other:
        await greeted(socket)
        await greeted(other)
        for text, code in WRONG:
            await socket.send_str(text)
            error = await hear(socket)
            assert (error["type"], error["code"]) == ("error", code), (text[:60], error)
            assert isinstance(error["message"], str)
            assert error["retryable"] is False
        ack = await node.do("bob", "seat.take", seat_index=3)
        assert position(await hear(socket, "snapshot")) == position(ack)
        assert position(await hear(other)) == position(ack)


async def test_unknown_fields_are_ignored(node: Node) -> None:
    await node.live()
    async with node.ws() as socket:
        await greeted(socket)
        await socket.send_json({"type": "ping", "id": 1, "later": {"release": [2]}})
        assert (await hear(socket))["type"] == "pong"


@pytest.mark.parametrize(
    "report",
    [
        {"lag_ms": 12},
        {"lag_ms": -5},
        {"lag_ms": 1e308},
        {"lag_ms": 12, "channel": "sei"},
        {"lag_ms": 12, "channel": "post"},
    ],
    ids=str,
)
async def test_what_a_client_shows_is_taken_in_silence(node: Node, report: Any) -> None:
    await node.live()
    base = {"type": "applied", "room": ROOM, "doc": "state", "epoch": 1, "version": 1}
    async with node.ws() as socket:
        await greeted(socket)
        await socket.send_json({**base, "channel": "ws", **report})
        assert await settled(socket) == []
    samples = await node.metrics()
    assert not [name for name in samples if "post" in name]


async def test_only_those_on_a_seat_speak(node: Node) -> None:
    await node.live()
    async with node.ws(user="bob") as socket:
        await greeted(socket)
        await socket.send_json({"type": "speaking", "on": True})
        assert [error["code"] for error in await settled(socket)] == ["NOT_ON_SEAT"]


async def test_one_connection_follows_many_rooms(node: Node) -> None:
    rooms = [f"room-{number}" for number in range(5)]
    for room in rooms:
        await node.live(room)
    async with node.ws("/v1/push", user="bob") as socket:
        assert [message["type"] for message in await settled(socket)] == ["welcome"]
        for room in rooms:
            await socket.send_json({"type": "subscribe", "room": room, "docs": ["state"]})
            assert (await hear(socket))["type"] == "policy"
            assert (await hear(socket))["room"] == room
        for room in rooms:
            cmd = {"type": "cmd", "room": room, "cmd": "seat.take", "cmd_id": room}
            await socket.send_json({**cmd, "args": {"seat_index": 3}})
            heard = {}
            while set(heard) != {"ack", "policy", "snapshot"}:
                message = await hear(socket)
                heard[message["type"]] = message
            assert heard["ack"]["cmd_id"] == room
            assert heard["snapshot"]["room"] == room
            assert position(heard["snapshot"]) == position(heard["ack"])
        await socket.send_json({"type": "unsubscribe", "room": rooms[0], "docs": ["state"]})
        await settled(socket)
        for room in rooms[:2]:
            await node.do("carol", "seat.take", room, seat_index=4)
        assert {message["room"] for message in await settled(socket)} == {rooms[1]}


async def test_without_a_room_of_its_own_a_connection_must_name_one(node: Node) -> None:
    async with node.ws("/v1/push", user="bob") as socket:
        await hear(socket, "welcome")
        await socket.send_json({"type": "cmd", "cmd": "seat.leave", "cmd_id": "c1"})
        error = await hear(socket)
        assert (error["code"], error["cmd_id"]) == ("INVALID_ARGUMENT", "c1")
        await socket.send_json({"type": "subscribe"})
        assert (await hear(socket))["code"] == "INVALID_ARGUMENT"
        await socket.send_json({"type": "unsubscribe", "room": "never-joined"})
        assert await settled(socket) == []


async def test_a_room_that_is_not_there_is_an_error_with_its_name(node: Node) -> None:
    async with node.ws("/v1/push") as socket:
        await hear(socket, "welcome")
        await socket.send_json({"type": "subscribe", "room": "nowhere"})
        error = await hear(socket)
        assert (error["code"], error["room"]) == ("ROOM_NOT_FOUND", "nowhere")
        await node.live("nowhere")
        await socket.send_json({"type": "subscribe", "room": "nowhere"})
        assert (await hear(socket, "snapshot"))["room"] == "nowhere"


async def test_subscribing_again_gives_the_snapshot_again(node: Node) -> None:
    here = await node.live()
    async with node.ws() as socket:
        await greeted(socket)
        await socket.send_json({"type": "subscribe", "room": ROOM})
        assert position(await hear(socket, "snapshot")) == here
        await socket.send_json({"type": "subscribe", "room": ROOM, "have": {"state": here}})
        assert [message["type"] for message in await settled(socket)] == ["policy"]
        ack = await node.do("bob", "seat.take", seat_index=3)
        heard = [message for message in await settled(socket) if message["type"] == "snapshot"]
        assert [position(message) for message in heard] == [position(ack)]


@pytest.mark.parametrize("user", [None, "bob"])
async def test_a_forbidden_document_is_an_error_and_the_rest_stays(
    node: Node, user: str | None
) -> None:
    await node.live()
    async with node.ws(f"{PUSH}?docs=requests,state,nonsense,x-later", user=user) as socket:
        heard = await settled(socket)
        errors = {message["doc"]: message for message in heard if message["type"] == "error"}
        assert {doc: error["code"] for doc, error in errors.items()} == {
            "requests": "FORBIDDEN",
            "nonsense": "DOC_NOT_FOUND",
        }
        assert {error["room"] for error in errors.values()} == {ROOM}
        assert [message["type"] for message in heard].count("snapshot") == 1


async def test_the_owner_follows_requests_before_there_are_any(node: Node) -> None:
    await node.live()
    async with node.ws(f"{PUSH}?docs=requests", user=OWNER) as socket:
        _welcome, _policy, requests = await settled(socket)
        assert (requests["doc"], requests["items"], requests["total"]) == ("requests", [], 0)


async def test_an_ack_and_its_snapshot_reach_every_device_of_a_user(node: Node) -> None:
    await node.live()
    async with node.ws(user="bob") as first, node.ws(user="bob") as second:
        await greeted(first)
        await greeted(second)
        command = {"type": "cmd", "cmd": "seat.take", "cmd_id": "c1", "args": {"seat_index": 3}}
        await first.send_json(command)
        kinds = {(await hear(first))["type"] for _ in range(3)}
        assert kinds == {"ack", "policy", "snapshot"}
        kinds = {(await hear(second))["type"] for _ in range(2)}
        assert kinds == {"policy", "snapshot"}


async def test_commands_of_one_connection_are_answered_in_their_order(node: Node) -> None:
    await node.live()
    async with node.ws(user="bob") as socket:
        await greeted(socket)
        for number in range(200):
            await socket.send_json({"type": "cmd", "cmd": "seat.leave", "cmd_id": f"c{number}"})
        acks = [(await hear(socket))["cmd_id"] for _ in range(200)]
        assert acks == [f"c{number}" for number in range(200)]


async def test_the_room_outlives_every_way_of_leaving(node: Node) -> None:
    await node.live()
    async with node.ws(user="bob") as polite:
        await greeted(polite)
        await polite.close()
        assert polite.close_code == 1000
    async with node.ws(user="bob") as rude:
        await greeted(rude)
        transport = rude.get_extra_info("socket")
        assert transport is not None
        rude._writer.transport.abort()
    async with asyncio.timeout(10):
        while (await node.metrics())['seatsync_connections{channel="ws"}']:
            await node.poll()
    ack = await node.do("bob", "seat.take", seat_index=3)
    assert position((await node.poll()).json) == position(ack)


async def test_one_frame_never_makes_a_thousand_answers(node: Node) -> None:
    """A query names 64 documents at most; a frame that could name more would be an amplifier."""
    await node.live()
    async with node.ws("/v1/push") as socket:
        await hear(socket, "welcome")
        docs = [f"N{number}" for number in range(1200)]
        await socket.send_json({"type": "subscribe", "room": ROOM, "docs": docs})
        heard = await settled(socket)
        assert len(heard) <= 66
        assert {message["code"] for message in heard if message["type"] == "error"} <= {
            "INVALID_ARGUMENT",
            "DOC_NOT_FOUND",
        }
