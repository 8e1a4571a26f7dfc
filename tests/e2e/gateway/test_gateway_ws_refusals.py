"""Who is not let in is told so where they can read it (PROTOCOL.md 6)."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from gateway_kit import ROOM, Node, greeted, hear_close

PUSH = f"/v1/rooms/{ROOM}/push"


async def refusal(node: Node, path: str, **more: Any) -> tuple[dict[str, Any] | None, int]:
    async with node.ws(path, **more) as socket:
        return await hear_close(socket)


REFUSED = [
    ("/v1/rooms/nowhere/push", {}, 4502, 404, "ROOM_NOT_FOUND"),
    ("/v1/rooms/a.b/push", {}, 4501, 400, "INVALID_ARGUMENT"),
    (f"{PUSH}?schema=0", {}, 4504, 426, "UPGRADE_REQUIRED"),
    (f"{PUSH}?schema=x", {}, 4501, 400, "INVALID_ARGUMENT"),
    (f"{PUSH}?have=state", {}, 4501, 400, "INVALID_ARGUMENT"),
    (f"{PUSH}?have=state:x", {}, 4501, 400, "INVALID_ARGUMENT"),
    (PUSH, {"Authorization": "Bearer x"}, 4500, 401, "UNAUTHENTICATED"),
    (PUSH, {"Authorization": "Basic x"}, 4500, 401, "UNAUTHENTICATED"),
    ("/v1/push", {"Authorization": "Bearer x"}, 4500, 401, "UNAUTHENTICATED"),
    ("/v1/push?schema=0", {}, 4504, 426, "UPGRADE_REQUIRED"),
]


@pytest.mark.parametrize(("path", "headers", "close", "status", "code"), REFUSED)
async def test_a_refusal_is_told_inside_where_our_subprotocol_was_offered(
    node: Node, path: str, headers: dict[str, str], close: int, status: int, code: str
) -> None:
    await node.live()
    bye, closed = await refusal(node, path, headers=headers)
    assert bye is not None
    assert (bye["type"], bye["code"], closed) == ("bye", close, close)
    assert "retry_after_ms" not in bye
    assert "Bearer x" not in str(bye)


@pytest.mark.parametrize(("path", "headers", "close", "status", "code"), REFUSED)
async def test_a_refusal_is_a_problem_where_it_was_not(
    node: Node, path: str, headers: dict[str, str], close: int, status: int, code: str
) -> None:
    await node.live()
    upgrade_headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answer = await node.ask("GET", path, headers={**upgrade_headers, **headers})
    assert (answer.status, answer.code) == (status, code)


async def test_a_higher_schema_than_ours_is_served_ours(node: Node) -> None:
    await node.live()
    async with node.ws(f"{PUSH}?schema=7") as socket:
        assert (await greeted(socket))["schema"] == 1


@pytest.mark.parametrize("path", [PUSH, "/v1/push"])
async def test_a_plain_request_is_told_to_upgrade(node: Node, path: str) -> None:
    await node.live()
    answer = await node.ask("GET", path)
    assert (answer.status, answer.code) == (426, "UPGRADE_REQUIRED")
    assert answer.headers.get("Upgrade", "").lower() == "websocket", "RFC 9110 15.5.22"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT"])
async def test_only_get_upgrades(node: Node, method: str) -> None:
    await node.live()
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "seatsync.v1",
    }
    answer = await node.ask(method, PUSH, headers=headers)
    assert answer.status in (404, 405, 426)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
        {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Version": "13"},
        {},
    ],
    ids=str,
)
@pytest.mark.parametrize("protocol", ["", "seatsync.v1"])
async def test_a_broken_handshake_is_a_problem(
    node: Node, headers: dict[str, str], protocol: str
) -> None:
    await node.live()
    base = {"Upgrade": "websocket", "Connection": "Upgrade"}
    if protocol:
        base["Sec-WebSocket-Protocol"] = protocol
    answer = await node.ask("GET", PUSH, headers={**base, **headers})
    assert answer.status in (400, 426)
    assert answer.code in ("INVALID_ARGUMENT", "UPGRADE_REQUIRED")
    assert (await node.metrics()).get('seatsync_connections{channel="ws"}', 0) == 0


@pytest.mark.parametrize("path", [PUSH, "/v1/push", "/v1/rooms/nowhere/push"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_origin_is_403_by_http_always(node: Node, path: str, origin: str) -> None:
    await node.live()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with node.ws(path, headers={"Origin": origin}):
            pass
    assert refused.value.status == 403


async def test_a_page_of_this_server_may_connect(node: Node) -> None:
    await node.live()
    async with node.ws(headers={"Origin": node.url}) as socket:
        await greeted(socket)
