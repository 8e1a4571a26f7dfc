from __future__ import annotations

import asyncio
import traceback
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from client_fake_gateway import EPOCH, FakeGateway, PushSocket, portal, problem, push
from client_one_life import ending, told

from room.position import Position
from seatsync.sources.ws import WsSource

TOKEN = "header.claims.signature"


def source(
    session: aiohttp.ClientSession, gateway: FakeGateway, token: str | None = None, **more: Any
) -> WsSource:
    return WsSource(session, gateway.access(token), lambda: None, **more)


async def good(socket: PushSocket) -> None:
    await socket.welcome()
    await socket.say(type="policy", room="demo", view="anonymous", commands=[])
    await socket.snapshot(4)
    await socket.say(type="something-new", whatever=[1, {}])
    await socket.say(type="snapshot", doc="requests", other="shape")
    await socket.snapshot(5)
    await socket.hold()


async def test_snapshots_follow_the_welcome_and_other_types_are_ignored(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["push"] = push(good)
    assert await told(source(session, gateway), 3) == ["opened", 4, 5]


async def test_token_travels_in_the_header_alone(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["push"] = push(good)
    await told(source(session, gateway, TOKEN), 1)
    (request,) = gateway.requests
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Sec-WebSocket-Protocol"] == "seatsync.v1"
    assert TOKEN not in request.raw_path


@pytest.mark.parametrize(
    ("have", "query"),
    [
        (None, {"docs": "state", "schema": "1"}),
        (Position(EPOCH, 7), {"docs": "state", "schema": "1", "have": f"state:{EPOCH}.7"}),
    ],
)
async def test_query_says_what_is_held_already(
    gateway: FakeGateway,
    session: aiohttp.ClientSession,
    have: Position | None,
    query: dict[str, str],
) -> None:
    gateway.handlers["push"] = push(good)
    await told(WsSource(session, gateway.access(), lambda: have), 1)
    assert dict(gateway.requests[0].query) == query


@pytest.mark.parametrize(
    ("code", "permanent", "error"),
    [
        (4000, False, "UNAVAILABLE"),
        (4002, False, "UNAVAILABLE"),
        (4499, False, "UNAVAILABLE"),
        (4500, True, "UNAUTHENTICATED"),
        (4501, True, "FORBIDDEN"),
        (4502, True, "ROOM_NOT_FOUND"),
        (4504, True, "UPGRADE_REQUIRED"),
        (4999, True, "UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("by_frame", [False, True])
async def test_bye_says_whether_and_when_to_come_back(
    gateway: FakeGateway,
    session: aiohttp.ClientSession,
    code: int,
    permanent: bool,
    error: str,
    by_frame: bool,
) -> None:
    async def talk(socket: PushSocket) -> None:
        if not by_frame:
            await socket.say(type="bye", code=code, reason="so it is", retry_after_ms=1234)
        await socket.socket.close(code=code, message=b"so it is")

    gateway.handlers["push"] = push(talk)
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.code) == (permanent, error)
    assert ended.retry_after_ms == (None if by_frame else 1234)


@pytest.mark.parametrize("code", [1000, 1001, 1011])
async def test_ordinary_close_means_come_back(
    gateway: FakeGateway, session: aiohttp.ClientSession, code: int
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome()
        await socket.socket.close(code=code)

    gateway.handlers["push"] = push(talk)
    ended = await ending(source(session, gateway))
    assert not ended.permanent
    assert str(code) in ended.reason


async def test_connection_cut_without_close_means_come_back(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("seatsync.v1",))
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return socket

    gateway.handlers["push"] = handler
    assert not (await ending(source(session, gateway))).permanent


async def test_peer_silent_for_two_ping_intervals_is_dead(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome(ping_ms=10)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    ended = await ending(source(session, gateway, slack_s=0.05))
    assert ended.reason == "no answer in time"
    assert not ended.permanent


async def test_pings_keep_a_connection_alive(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.welcome(ping_ms=0)
        for _ in range(10):  # together twice the silence that would end it
            await socket.socket.ping()
            await asyncio.sleep(0.1)
        await socket.snapshot(1)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    assert await told(source(session, gateway, slack_s=0.5), 2) == ["opened", 1]


async def test_peer_that_never_welcomes_is_given_up(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["push"] = push(PushSocket.hold)
    ended = await ending(source(session, gateway, welcome_timeout_s=0.05))
    assert ended.reason == "no answer in time"


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"snapshot","doc":"state"}',
        '{"type":"snap',
        "[]",
        '{"no":"type"}',
        '{"type":"bye"}',
        '{"type":"welcome"}',
        '{"type":"snapshot","doc":"state","schema":1,"view":"anonymous","room":"other",'
        '"epoch":1,"version":1,"ts":1}',
    ],
)
async def test_message_that_cannot_be_read_ends_the_connection(
    gateway: FakeGateway, session: aiohttp.ClientSession, message: str
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.socket.send_str(message)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    assert not (await ending(source(session, gateway))).permanent


async def test_newer_schema_ends_the_channel_for_good(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.snapshot(1, schema=2)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.code) == (True, "UPGRADE_REQUIRED")


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        ({"doc": "state", "room": "demo"}, True),
        ({"doc": "state"}, True),
        ({"doc": "requests", "room": "demo"}, False),
        ({"cmd_id": "c", "doc": "state"}, False),
        ({}, False),
    ],
)
async def test_error_about_what_we_follow_ends_the_channel(
    gateway: FakeGateway, session: aiohttp.ClientSession, error: dict[str, str], ends: bool
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.say(type="error", code="FORBIDDEN", message="no", retryable=False, **error)
        await socket.socket.close(code=4000)

    gateway.handlers["push"] = push(talk)
    ended = await ending(source(session, gateway))
    assert ended.permanent is ends


async def test_frame_over_the_limit_ends_the_connection(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.say(type="noise", noise="x" * 1_100_000)
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    assert "1009" in (await ending(source(session, gateway))).reason


async def test_binary_frame_ends_the_connection(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def talk(socket: PushSocket) -> None:
        await socket.socket.send_bytes(b"{}")
        await socket.hold()

    gateway.handlers["push"] = push(talk)
    assert "binary" in (await ending(source(session, gateway))).reason


async def test_peer_of_another_subprotocol_is_not_trusted(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        return socket

    gateway.handlers["push"] = handler
    assert "seatsync.v1" in (await ending(source(session, gateway))).reason


async def test_captive_portal_is_a_failed_source(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["push"] = portal
    assert not (await ending(source(session, gateway))).permanent


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after_ms"),
    [
        (problem(403, "FORBIDDEN"), True, None),
        (problem(401, "UNAUTHENTICATED"), True, None),
        (web.Response(status=403), False, None),
        (web.Response(status=502), False, None),
        (web.Response(status=429, headers={"Retry-After": "2"}), False, 2000),
    ],
)
async def test_refused_upgrade_is_final_only_from_the_gateway(
    gateway: FakeGateway,
    session: aiohttp.ClientSession,
    answer: web.Response,
    permanent: bool,
    retry_after_ms: int | None,
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return answer

    gateway.handlers["push"] = handler
    ended = await ending(source(session, gateway, TOKEN))
    assert (ended.permanent, ended.retry_after_ms) == (permanent, retry_after_ms)
    assert TOKEN not in "".join(traceback.format_exception(ended))


async def test_nobody_listening_is_a_failed_source(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    await gateway.stop()
    ended = await ending(source(session, gateway))
    assert ended.reason.startswith("cannot connect")
