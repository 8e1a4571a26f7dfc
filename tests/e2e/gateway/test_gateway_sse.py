"""Server-Sent Events (PROTOCOL.md 7; WHATWG HTML 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import pytest
from gateway_kit import OWNER, ROOM, Node, auth, position, running_node

import gateway.gateway
from gateway.server import clock_ms
from store.memory import MemoryStore

EVENTS = f"/v1/rooms/{ROOM}/events"


class Event(NamedTuple):
    """One block of the stream, field by field."""

    fields: dict[str, str]
    comment: bool

    @property
    def json(self) -> Any:
        return json.loads(self.fields["data"])


class Stream:
    """Reads blocks as a browser would: lines end at CR, LF or both."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self, name: str | None = None) -> Event:
        async with asyncio.timeout(10):
            while True:
                block = (await self.response.content.readuntil(b"\n\n")).decode()
                event = parse(block.removesuffix("\n\n"))
                if name in (None, event.fields.get("event")):
                    return event


def parse(block: str) -> Event:
    fields: dict[str, str] = {}
    comment = False
    for line in block.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        name, _, value = line.partition(":")
        if not name:
            comment = True
            continue
        assert name not in fields, f"{name} twice in {block!r}"
        fields[name] = value.removeprefix(" ")
    return Event(fields, comment)


@asynccontextmanager
async def listening(
    node: Node, path: str = EVENTS, user: str | None = None, **headers: str
) -> AsyncIterator[Stream]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with node.session.get(node.url + path, headers={**auth(user), **names}) as response:
        assert response.status == 200, await response.read()
        yield Stream(response)


async def test_the_stream_opens_with_retry_welcome_policy_snapshot(node: Node) -> None:
    here = await node.live()
    async with listening(node) as stream:
        headers = stream.response.headers
        assert headers["Content-Type"].partition(";")[0] == "text/event-stream"
        assert headers["Cache-Control"] == "no-store"
        retry, welcome, policy, snapshot = [await stream.next() for _ in range(4)]
        assert 500 <= int(retry.fields["retry"]) <= 5000
        assert welcome.fields["event"] == "welcome"
        assert welcome.json["type"] == "welcome"
        assert policy.json["type"] == policy.fields["event"] == "policy"
        assert snapshot.fields["event"] == "snapshot"
        assert snapshot.fields["id"] == f"state:{here}"
        assert position(snapshot.json) == here


async def test_retry_differs_from_client_to_client(node: Node) -> None:
    await node.live()
    delays = set()
    for _ in range(8):
        async with listening(node) as stream:
            delays.add((await stream.next()).fields["retry"])
    assert len(delays) > 1


async def test_every_change_is_an_event_with_its_position_as_id(node: Node) -> None:
    await node.live()
    async with listening(node, user="bob") as stream:
        await stream.next("snapshot")
        for cmd, args in (("seat.take", {"seat_index": 3}), ("seat.leave", {})):
            ack = await node.do("bob", cmd, **args)
            event = await stream.next("snapshot")
            assert event.fields["id"] == f"state:{position(ack)}"
            assert event.json["view"] == "member"


async def test_the_policy_is_an_event_when_it_changes(node: Node) -> None:
    await node.live()
    async with listening(node, user="bob") as stream:
        await stream.next("snapshot")
        await node.do("bob", "seat.take", seat_index=3)
        assert "mic.set" in (await stream.next("policy")).json["commands"]


@pytest.mark.parametrize("by", ["header", "query"])
async def test_last_event_id_works_as_have(node: Node, by: str) -> None:
    here = await node.live()
    path = f"{EVENTS}?have=state:{here}" if by == "query" else EVENTS
    headers = {"Last_Event_ID": f"state:{here}"} if by == "header" else {}
    async with listening(node, path, **headers) as stream:
        await stream.next("policy")
        ack = await node.do("bob", "seat.take", seat_index=3)
        event = await stream.next("snapshot")
        assert position(event.json) == position(ack)
        assert event.fields["id"] == f"state:{position(ack)}"


async def test_last_event_id_weighs_more_than_the_query(node: Node) -> None:
    """A browser repeats the URL when it comes back; only the header knows what was received."""
    await node.live()
    ack = await node.do("bob", "seat.take", seat_index=3)
    path = f"{EVENTS}?have=state:{ack['epoch']}.999"
    async with listening(node, path, Last_Event_ID="state:0.0") as stream:
        assert position((await stream.next("snapshot")).json) == position(ack)


@pytest.mark.parametrize("bad", ["state", "state:x", "state:1", "x:1.1:2", "state:-1.0"])
async def test_a_bad_last_event_id_is_400(node: Node, bad: str) -> None:
    await node.live()
    answer = await node.ask("GET", EVENTS, headers={"Last-Event-ID": bad})
    assert (answer.status, answer.code) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "name", ["x%0Adata", "x%0D%0Adata", "x%0Aevent", "%00", "a%20b", "..%2F", "%FF", "STATE"]
)
async def test_have_can_write_nothing_of_its_own_into_the_stream(node: Node, name: str) -> None:
    """``have`` comes from whoever made the link; its names come back in every ``id``."""
    await node.live()
    answer = None
    async with node.session.get(f"{node.url}{EVENTS}?have={name}:0.0") as response:
        if response.status != 200:
            answer = response.status
        else:
            event = await Stream(response).next("snapshot")
            assert event.json["type"] == "snapshot"
            ids = [part.partition(":")[0] for part in event.fields["id"].split(",")]
            assert ids == ["state"], "a name that no document may have came back"
    assert answer in (None, 400, 404)


async def test_a_comment_shows_that_the_stream_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gateway.gateway, "SSE_COMMENT_S", 0.05)
    async with running_node(MemoryStore(clock_ms)) as node:
        await node.live()
        async with listening(node) as stream:
            await stream.next("snapshot")
            for _ in range(3):
                event = await stream.next()
                assert event.comment
                assert not event.fields


async def test_the_comment_comes_every_15_s_unless_told_otherwise() -> None:
    assert gateway.gateway.SSE_COMMENT_S == 15


async def test_several_documents_share_one_stream(node: Node) -> None:
    await node.live()
    async with listening(node, f"{EVENTS}?docs=requests,state,x-later") as stream:
        error = await stream.next("error")
        assert (error.json["code"], error.json["doc"]) == ("FORBIDDEN", "requests")
        assert (await stream.next("snapshot")).json["doc"] == "state"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/rooms/nowhere/events", 404, "ROOM_NOT_FOUND"),
        ("/v1/rooms/a.b/events", 400, "INVALID_ARGUMENT"),
        (f"{EVENTS}?schema=0", 426, "UPGRADE_REQUIRED"),
        (f"{EVENTS}?docs={','.join(f'x-{n}' for n in range(65))}", 400, "INVALID_ARGUMENT"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_stream_that_is_refused_is_a_problem(
    node: Node, path: str, status: int, code: str
) -> None:
    await node.live()
    answer = await node.ask("GET", path)
    assert (answer.status, answer.code) == (status, code)


async def test_head_of_a_stream_ends(node: Node) -> None:
    """RFC 9110 9.3.2: HEAD has no body; a handler that goes on writing would hold the socket."""
    await node.live()
    async with asyncio.timeout(5):
        answer = await node.ask("HEAD", EVENTS)
    assert answer.body == b""
    reader, writer = await node.raw(
        f"HEAD {EVENTS} HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.1\r\nHost: a\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        rest = await reader.read()
    writer.close()
    assert rest.count(b"HTTP/1.1 ") == 2, rest
    assert b"data:" not in rest


async def test_a_listener_that_goes_away_is_forgotten(node: Node) -> None:
    await node.live()
    name = 'seatsync_connections{channel="sse"}'
    async with listening(node) as stream:
        await stream.next("snapshot")
        assert (await node.metrics())[name] == 1
    async with asyncio.timeout(10):
        while (await node.metrics())[name]:
            await node.do(OWNER, "seat.lock", seat_index=1)
            await node.do(OWNER, "seat.unlock", seat_index=1)
