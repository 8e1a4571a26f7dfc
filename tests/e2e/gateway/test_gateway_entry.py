"""What a page asks first: ``entry`` and ``media`` (PROTOCOL.md 3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from gateway_kit import OWNER, ROOM, Node, auth, greeted, hear, running_node

from gateway.config import Stream
from gateway.server import clock_ms
from room.errors import Unavailable
from store.memory import MemoryStore

PATH = f"/v1/rooms/{ROOM}/entry"
STREAMS = (
    Stream("hls", "https://cdn.example/{room}.m3u8"),
    Stream("flv", "https://cdn.example/{room}-720.flv", "720p", "h264", 1280, 720),
    Stream("flv", "https://cdn.example/{room}.flv"),
)


class FadingStore(MemoryStore):
    """A store that can go away."""

    away = False

    async def read(self, room: str) -> Any:
        if self.away:
            raise Unavailable("the store does not answer")
        return await super().read(room)

    async def read_document(self, room: str, doc: str) -> Any:
        if self.away:
            raise Unavailable("the store does not answer")
        return await super().read_document(room, doc)


@pytest.fixture
def store() -> FadingStore:
    return FadingStore(clock_ms)


@pytest.fixture
async def equipped(store: FadingStore) -> AsyncIterator[Node]:
    settings = {"streams": STREAMS, "orientation": "portrait", "announcement": "Back at 9"}
    async with running_node(store, **settings) as node:
        yield node


async def test_one_answer_holds_all_that_a_page_needs(equipped: Node) -> None:
    await equipped.live()
    answer = await equipped.ask("GET", f"{PATH}?docs=state,requests", user=OWNER)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    entry = answer.json
    assert list(entry) == ["documents", "policy", "plan", "announcement", "missing"]
    host = equipped.url.removeprefix("http://")
    assert entry["plan"] == {
        "channels": [
            {"channel": "ws", "url": f"ws://{host}/v1/rooms/{ROOM}/push"},
            {"channel": "sse", "url": f"http://{host}/v1/rooms/{ROOM}/events"},
            {"channel": "poll", "url": f"http://{host}/v1/rooms/{ROOM}/state", "interval_ms": 3000},
            {"channel": "sei", "url": f"https://cdn.example/{ROOM}-720.flv"},
        ],
        "ttl_ms": 60000,
    }
    assert set(entry["documents"]) == {"state", "requests"}
    assert (entry["announcement"], entry["missing"]) == ("Back at 9", [])
    assert answer.headers["Cache-Control"] == "private, no-store"


async def test_policy_and_state_are_those_that_push_begins_with(node: Node) -> None:
    await node.live()
    for user in (None, "bob", OWNER):
        answer = await node.ask("GET", PATH, user=user)
        async with node.ws(user=user) as socket:
            assert (await hear(socket))["type"] == "welcome"
            policy = await hear(socket, "policy")
            snapshot = await hear(socket, "snapshot")
        del policy["type"]
        assert answer.json["policy"] == policy
        assert answer.json["documents"] == {"state": snapshot}
        polled = await node.poll(user=user)
        assert polled.body in answer.body


async def test_the_urls_of_the_plan_work(node: Node) -> None:
    await node.live()
    entry = (await node.ask("GET", PATH, user="bob")).json
    ws, sse, poll = entry["plan"]["channels"]
    async with node.session.ws_connect(ws["url"], protocols=("seatsync.v1",)) as socket:
        await greeted(socket)
    async with node.session.get(sse["url"]) as response:
        assert response.status == 200
    assert (await node.ask("GET", poll["url"])).status == 200


async def test_without_a_token_the_answer_is_for_everybody(equipped: Node) -> None:
    await equipped.live()
    answer = await equipped.ask("GET", PATH)
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    assert "Authorization" in answer.headers["Vary"]
    assert answer.json["policy"] == {"room": ROOM, "view": "anonymous", "commands": []}
    assert [planned["channel"] for planned in answer.json["plan"]["channels"]] == ["poll", "sei"]
    partly = await equipped.ask("GET", f"{PATH}?docs=state,requests")
    assert partly.json["missing"] == ["requests"]
    assert partly.headers["Cache-Control"] == "private, no-store"


async def test_a_bad_token_is_401_and_no_anonymous_entry(equipped: Node) -> None:
    await equipped.live()
    for path in (PATH, f"/v1/rooms/{ROOM}/media"):
        answer = await equipped.ask("GET", path, headers={"Authorization": "Bearer x"})
        assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


async def test_a_room_that_is_not_there_has_no_entry(node: Node) -> None:
    answer = await node.ask("GET", PATH)
    assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")


@pytest.mark.parametrize("query", ["docs=", "docs=,", "docs=" + ",".join(["a"] * 65)])
async def test_an_entry_of_no_documents_or_of_too_many_is_refused(node: Node, query: str) -> None:
    await node.create()
    answer = await node.ask("GET", f"{PATH}?{query}")
    assert (answer.status, answer.code) == (400, "INVALID_ARGUMENT")


async def test_with_the_store_away_the_entry_says_what_is_missing(
    equipped: Node, store: FadingStore
) -> None:
    store.away = True
    answer = await equipped.ask("GET", f"{PATH}?docs=state,x-score", user="bob")
    assert answer.status == 200
    assert (answer.json["documents"], answer.json["missing"]) == (
        {},
        ["state", "x-score", "policy"],
    )
    assert answer.json["plan"]["channels"]


async def test_with_the_store_away_what_is_held_is_still_given(
    equipped: Node, store: FadingStore
) -> None:
    await equipped.live()
    store.away = True
    entry = (await equipped.ask("GET", PATH, user="bob")).json
    assert (list(entry["documents"]), entry["missing"]) == (["state"], [])


async def test_players_learn_of_every_quality_and_format_with_the_store_away(
    equipped: Node, store: FadingStore
) -> None:
    store.away = True
    answer = await equipped.ask("GET", f"/v1/rooms/{ROOM}/media")
    assert answer.status == 200
    assert answer.json == {
        "streams": [
            {
                "format": "hls",
                "url": f"https://cdn.example/{ROOM}.m3u8",
                "quality": "source",
                "codec": "h264",
            },
            {
                "format": "flv",
                "url": f"https://cdn.example/{ROOM}-720.flv",
                "quality": "720p",
                "codec": "h264",
                "width": 1280,
                "height": 720,
            },
            {
                "format": "flv",
                "url": f"https://cdn.example/{ROOM}.flv",
                "quality": "source",
                "codec": "h264",
            },
        ],
        "orientation": "portrait",
    }


async def test_a_public_address_is_the_one_that_plans_name() -> None:
    settings: dict[str, Any] = {"public_url": "https://rooms.example/seats", "anonymous_push": True}
    async with running_node(MemoryStore(clock_ms), **settings) as node:
        await node.create()
        channels = (await node.ask("GET", PATH)).json["plan"]["channels"]
        assert [planned["url"].partition("/v1")[0] for planned in channels] == [
            "wss://rooms.example/seats",
            "https://rooms.example/seats",
            "https://rooms.example/seats",
        ]


async def test_what_a_proxy_may_have_said_is_not_trusted(node: Node) -> None:
    await node.create()
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example;proto=https",
    }
    entry = await node.ask("GET", PATH, headers=headers)
    assert b"evil" not in entry.body
    assert entry.json["plan"]["channels"][0]["url"].startswith(node.url)


async def test_a_host_that_can_be_no_part_of_an_address_gets_no_plan(node: Node) -> None:
    await node.create()
    answer = await node.ask("GET", PATH, headers={"Host": "a~b"})
    assert (answer.status, answer.json["missing"]) == (200, ["plan"])


@pytest.mark.parametrize("host", ["a/b", "user@a"])
async def test_a_host_that_is_none_is_400(node: Node, host: str) -> None:
    """RFC 9112 3.2."""
    await node.create()
    answer = await node.ask("GET", PATH, headers={"Host": host})
    assert (answer.status, answer.code) == (400, "MALFORMED")


async def test_head_asks_for_the_head_alone(node: Node) -> None:
    await node.create()
    answer = await node.ask("HEAD", PATH)
    assert (answer.status, answer.body) == (200, b"")


async def test_every_answer_forbids_guessing_its_type_and_names_no_version(node: Node) -> None:
    await node.create()
    for path in ("state", "entry", "media", "nothing", "commands"):
        answer = await node.ask("GET", f"/v1/rooms/{ROOM}/{path}", headers=auth(OWNER))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "seatsync"
