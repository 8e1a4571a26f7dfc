"""Browsers and foreign pages (PROTOCOL.md 3; WHATWG Fetch 3.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from gateway_kit import OWNER, ROOM, Node, greeted, running_node

from gateway.server import clock_ms
from store.memory import MemoryStore

FRIEND = "https://rooms.example"
STATE = f"/v1/rooms/{ROOM}/state"
EXPOSED = {"etag", "repr-digest", "cache-status", "retry-after", "seatsync-poll-ms"}
FOREIGN = [
    "https://evil.example",
    "http://rooms.example",
    "https://rooms.example:444",
    "https://rooms.example.evil.example",
    "https://evil-rooms.example",
    "null",
    "",
    "file://",
    "https://",
    "rooms.example",
    "http://[::1",
    "http://a:b:c",
    "\u00ff",
]


@pytest.fixture
async def friendly() -> AsyncIterator[Node]:
    async with running_node(MemoryStore(clock_ms), origins=(FRIEND,)) as node:
        await node.live()
        yield node


def names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT"])
async def test_a_foreign_origin_is_403_before_any_work(
    friendly: Node, origin: str, method: str
) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    path = STATE if method != "PUT" else "/v1/rooms/made-by-a-foreign-page"
    answer = await friendly.ask(method, path, user=OWNER, headers=headers)
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert (await friendly.poll("made-by-a-foreign-page")).status == 404


@pytest.mark.parametrize("path", [f"/v1/rooms/{ROOM}/events", f"/v1/rooms/{ROOM}/push", "/livez"])
async def test_a_foreign_origin_is_403_on_every_path(friendly: Node, path: str) -> None:
    answer = await friendly.ask("GET", path, headers={"Origin": "https://evil.example"})
    assert (answer.status, answer.code) == (403, "FORBIDDEN")


async def test_an_allowed_page_may_read_the_answer_and_our_headers(friendly: Node) -> None:
    for path, status in ((STATE, 200), ("/v1/rooms/nowhere/state", 404), ("/nothing", 404)):
        answer = await friendly.ask("GET", path, headers={"Origin": FRIEND})
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
        assert names(answer.headers["Access-Control-Expose-Headers"]) >= EXPOSED
        assert "origin" in names(",".join(answer.headers.getall("Vary")))
        assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_an_event_stream_may_be_read_too(friendly: Node) -> None:
    url = f"{friendly.url}/v1/rooms/{ROOM}/events"
    async with friendly.session.get(url, headers={"Origin": FRIEND}) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == FRIEND


async def test_a_304_may_be_read_too(friendly: Node) -> None:
    headers = {"Origin": FRIEND, "If-None-Match": "*"}
    answer = await friendly.ask("GET", STATE, headers=headers)
    assert answer.status == 304
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_a_preflight_is_answered_and_may_be_kept_for_7200_s(
    friendly: Node, method: str
) -> None:
    headers = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, idempotency-key",
    }
    answer = await friendly.ask("OPTIONS", f"/v1/rooms/{ROOM}/commands", headers=headers)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert method.lower() in names(answer.headers["Access-Control-Allow-Methods"])
    allowed = names(answer.headers["Access-Control-Allow-Headers"])
    assert allowed >= {
        "authorization",
        "content-type",
        "idempotency-key",
        "if-none-match",
        "if-match",
        "last-event-id",
    }
    assert answer.headers["Access-Control-Max-Age"] == "7200"


async def test_a_page_of_this_server_needs_no_entry_in_the_list(node: Node) -> None:
    await node.live()
    answer = await node.ask("GET", STATE, headers={"Origin": node.url})
    assert answer.status == 200
    async with node.ws(headers={"Origin": node.url}) as socket:
        await greeted(socket)


async def test_a_star_allows_every_origin() -> None:
    async with running_node(MemoryStore(clock_ms), origins=("*",)) as node:
        await node.live()
        answer = await node.ask("GET", STATE, headers={"Origin": "https://any.example"})
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://any.example")


async def test_a_cache_may_not_give_a_page_the_answer_made_for_no_page(friendly: Node) -> None:
    """The anonymous poll is public: without ``Vary: Origin`` a cache mixes the two forms."""
    answer = await friendly.ask("GET", STATE)
    assert answer.status == 200
    assert "origin" in names(",".join(answer.headers.getall("Vary")))


async def test_options_without_an_origin_is_no_preflight(node: Node) -> None:
    answer = await node.ask("OPTIONS", STATE)
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("origin", [FRIEND.upper(), f"{FRIEND}:443", f"{FRIEND}/", f"{FRIEND}."])
async def test_an_origin_of_another_form_is_foreign(friendly: Node, origin: str) -> None:
    answer = await friendly.ask("GET", STATE, headers={"Origin": origin})
    assert (answer.status, answer.code) == (403, "FORBIDDEN")


async def test_a_foreign_page_gets_no_socket_by_any_subprotocol(friendly: Node) -> None:
    headers = {
        "Origin": "https://evil.example",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "seatsync.v1",
    }
    for path in (f"/v1/rooms/{ROOM}/push", "/v1/push"):
        answer = await friendly.ask("GET", path, headers=headers)
        assert (answer.status, answer.code) == (403, "FORBIDDEN")


@pytest.mark.parametrize("path", [STATE, f"/v1/rooms/{ROOM}/x-score", f"/v1/rooms/{ROOM}/entry"])
async def test_a_page_may_set_a_document_under_a_condition(friendly: Node, path: str) -> None:
    headers = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization, content-type, if-match",
    }
    answer = await friendly.ask("OPTIONS", path, headers=headers)
    assert answer.status == 204
    assert "if-match" in names(answer.headers["Access-Control-Allow-Headers"])
    assert "origin" in names(",".join(answer.headers.getall("Vary")))


async def test_behind_a_proxy_the_public_address_says_whose_page_it_is() -> None:
    settings = {"public_url": "https://rooms.example"}
    async with running_node(MemoryStore(clock_ms), **settings) as node:
        await node.live()
        assert (await node.ask("GET", STATE, headers={"Origin": FRIEND})).status == 200
        host = node.url.removeprefix("http://")
        answer = await node.ask("GET", STATE, headers={"Origin": f"https://{host}"})
        assert answer.code == "FORBIDDEN"


async def test_the_other_listener_names_no_version_either(node: Node) -> None:
    for path, status in (("/metrics", 200), ("/nothing", 404)):
        answer = await node.ask("GET", f"http://{node.running.metrics_address}{path}")
        assert (answer.status, answer.headers["Server"]) == (status, "seatsync")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
