"""Documents that come from an existing service, polled and pushed like the others."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from aiohttp import web
from gateway_kit import OWNER, PATIENCE_S, ROOM, auth, hear
from upstream_kit import PATH, Service, behind, document, outcomes, poll_until

PUSH = f"/v1/rooms/{ROOM}/push?docs=x-seats"
EVENTS = f"/v1/rooms/{ROOM}/events?docs=x-seats"


async def hear_version(socket: aiohttp.ClientWebSocketResponse, version: int) -> dict[str, Any]:
    """Read snapshots until one has a version."""
    while True:
        snapshot = await hear(socket, "snapshot")
        if snapshot["version"] == version:
            return snapshot


async def test_the_document_is_the_services_object_at_its_own_position() -> None:
    service = Service()
    service.document = document(7, 1_732_146_400_123, ts=5, seats=[{"user": "ann"}, None])
    async with behind(service) as node:
        for user in (None, "bob", OWNER):
            answer = await node.ask("GET", PATH, user=user)
            assert answer.status == 200
            assert list(answer.json) == [
                *("type", "doc", "schema", "view", "room", "epoch", "version", "ts", "data")
            ]
            assert answer.json["data"] == service.document
            assert (answer.json["ts"], answer.json["room"]) == (5, ROOM)
            assert answer.headers["ETag"] == '"1732146400123.7"'
        assert service.requests[0].path_qs == f"/rooms/{ROOM}/seats"
        assert service.requests[0].headers["Accept-Encoding"] == "identity"


async def test_an_envelope_is_left_aside() -> None:
    service = Service()
    service.document = document(2, data={"seats": []})
    async with behind(service) as node:
        answer = (await node.ask("GET", PATH)).json
        assert (answer["data"], answer["epoch"], answer["version"]) == ({"seats": []}, 1, 2)
        entry = (await node.ask("GET", f"/v1/rooms/{ROOM}/entry?docs=state,x-seats")).json
        assert entry["documents"]["x-seats"] == answer


async def test_500_pollers_and_50_followers_cost_one_read_a_ttl() -> None:
    service = Service()
    ttl_s = 0.5
    async with behind(service, ttl_ms=int(ttl_s * 1000)) as node, AsyncExitStack() as stack:
        began_s = time.monotonic()
        sockets = [await stack.enter_async_context(node.ws(PUSH)) for _ in range(48)]
        for _ in range(2):
            stream = await stack.enter_async_context(node.session.get(node.url + EVENTS))
            assert stream.status == 200
        for socket in sockets:
            assert (await hear(socket, "snapshot"))["version"] == 1
        waiting = asyncio.create_task(node.ask("GET", f"{PATH}?after=1.1&wait=20"))
        polls = [node.ask("GET", PATH) for _ in range(500)]
        answers = await asyncio.gather(*polls)
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        await service.wait_for_reads(4)
        reads, spent_s = service.asked[ROOM], time.monotonic() - began_s
        assert reads <= 1 + spent_s / ttl_s
        service.document = document(2)
        for socket in sockets:
            assert (await hear(socket, "snapshot"))["version"] == 2
        assert (await waiting).json["version"] == 2


async def test_a_change_is_pushed_to_every_channel_as_the_same_bytes() -> None:
    service = Service()
    async with (
        behind(service) as node,
        node.ws(PUSH) as socket,
        node.session.get(node.url + EVENTS) as stream,
    ):
        await hear(socket, "snapshot")
        service.document = document(2, ts=9, seats=["ann"])
        pushed = await hear_version(socket, 2)
        assert pushed["data"]["seats"] == ["ann"]
        polled = await poll_until(node, lambda answer: answer.json["version"] == 2)
        assert polled.json == pushed
        async with asyncio.timeout(PATIENCE_S):
            async for line in stream.content:
                if line.startswith(b"data:") and json.loads(line[5:]).get("version") == 2:
                    assert line[5:].strip() == polled.body
                    return


async def test_a_follower_who_came_before_the_document_gets_it() -> None:
    service = Service()
    service.say({}, 404)
    async with behind(service) as node, node.ws(PUSH) as socket:
        assert (await hear(socket, "policy"))["room"] == ROOM
        missing = await node.ask("GET", PATH)
        assert (missing.status, missing.code) == (404, "DOC_NOT_FOUND")
        service.respond = None
        assert (await hear(socket, "snapshot"))["version"] == 1
        assert (await node.ask("GET", PATH)).status == 200


async def test_an_unchanged_document_is_confirmed_by_its_tag() -> None:
    service = Service()
    service.fields = {"ETag": '"a"'}
    async with behind(service) as node, node.ws(PUSH) as socket:
        await hear(socket, "snapshot")

        async def confirm(request: Any) -> Any:
            assert request.headers["If-None-Match"] == '"a"'
            return web.Response(status=304)

        service.respond = confirm
        await service.wait_for_reads(3)
        assert (await node.ask("GET", PATH)).json["version"] == 1
        counted = await outcomes(node)
        assert counted["changed"] == 1
        assert counted["same"] >= 2
        assert counted.keys() == {"changed", "same"}


async def test_the_service_says_how_long_its_answer_is_fresh() -> None:
    service = Service()
    service.fields = {"Cache-Control": "max-age=60"}
    async with behind(service) as node, node.ws(PUSH) as socket:
        await hear(socket, "snapshot")
        for _ in range(3):
            answer = await node.ask("GET", PATH)
            assert answer.headers["Cache-Status"] == "seatsync; hit"
        assert service.asked[ROOM] == 1


async def test_an_older_position_is_ignored_and_counted() -> None:
    service = Service()
    service.document = document(5, 2)
    async with behind(service) as node, node.ws(PUSH) as socket:
        assert (await hear(socket, "snapshot"))["epoch"] == 2
        service.document = document(9, 1)
        await service.wait_for_reads(2)
        answer = await node.ask("GET", PATH)
        assert (answer.status, answer.json["epoch"], answer.json["version"]) == (200, 2, 5)
        assert (await outcomes(node))["stale"] >= 1
        service.document = document(6, 2)
        assert (await hear(socket, "snapshot"))["version"] == 6


async def test_another_document_at_the_same_position_changes_nothing() -> None:
    service = Service()
    service.document = document(5, seats=[1])
    async with behind(service) as node:
        await node.ask("GET", PATH)
        service.document = document(5, seats=[2])
        stale = await poll_until(node, lambda answer: "ttl=-" in answer.headers["Cache-Status"])
        await service.wait_for_reads(1)
        assert stale.json["data"]["seats"] == [1]
        assert (await node.ask("GET", PATH)).json["data"]["seats"] == [1]
        assert (await outcomes(node))["conflict"] >= 1


async def test_the_document_is_not_set_by_anybody_else() -> None:
    async with behind(Service()) as node:
        headers = auth("score", kind="service", docs=["*"])
        refused = await node.ask("PUT", PATH, headers=headers, json={"a": 1})
        assert (refused.status, refused.code) == (403, "FORBIDDEN")
        assert refused.json["title"] == "this document comes from its upstream"
        other = f"/v1/rooms/{ROOM}/x-other"
        assert (await node.ask("PUT", other, headers=headers, json={"a": 1})).status == 200
        assert (await node.ask("GET", other)).json["data"] == {"a": 1}


async def test_a_room_that_is_not_there_is_not_asked_for() -> None:
    service = Service()
    async with behind(service) as node:
        answer = await node.ask("GET", "/v1/rooms/nowhere/x-seats")
        assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")
        assert service.asked["nowhere"] == 0


async def test_each_room_has_its_own_document() -> None:
    service = Service()

    async def by_room(request: Any) -> Any:
        room = request.path.split("/")[2]
        return web.json_response(document(1, name=room))

    service.respond = by_room
    async with behind(service) as behind_it:
        await behind_it.create("r-2_B")
        for room in (ROOM, "r-2_B"):
            answer = await behind_it.ask("GET", f"/v1/rooms/{room}/x-seats")
            assert answer.json["data"]["name"] == room
