from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from client_fake_gateway import EPOCH, FakeGateway, events, portal, problem, snapshot_body
from client_one_life import ending, told

from room.position import Position
from seatsync.sources.sse import SseSource


def source(session: aiohttp.ClientSession, gateway: FakeGateway) -> SseSource:
    return SseSource(session, gateway.access("a.b.c"), lambda: None)


def event(version: int) -> bytes:
    head = f"event: snapshot\nid: state:{EPOCH}.{version}\ndata: ".encode()
    return head + snapshot_body(version) + b"\n\n"


async def test_snapshots_are_read_and_other_events_are_ignored(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    stream = b"retry: 900\n\n" + event(4) + b": alive\n\nevent: new\ndata: ?\n\n" + event(5)
    gateway.handlers["events"] = events([stream])
    story = await told(source(session, gateway), 3)
    assert story == ["opened", 4, 5]


async def test_request_asks_for_a_stream_after_what_is_held(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["events"] = events([b": hello\n\n"])
    await told(SseSource(session, gateway.access("a.b.c"), lambda: Position(EPOCH, 7)), 1)
    (request,) = gateway.requests
    assert dict(request.query) == {"docs": "state"}
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Last-Event-ID"] == f"state:{EPOCH}.7"
    assert request.headers["Authorization"] == "Bearer a.b.c"


async def test_first_connection_has_no_last_event_id(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["events"] = events([b": hello\n\n"])
    await told(source(session, gateway), 1)
    assert "Last-Event-ID" not in gateway.requests[0].headers


async def test_end_of_the_stream_means_come_back_after_retry(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["events"] = events([b"retry: 900\n\n"])
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.retry_after_ms) == (False, 900)


async def test_bye_is_heeded(gateway: FakeGateway, session: aiohttp.ClientSession) -> None:
    bye = b'event: bye\ndata: {"type":"bye","code":4502,"reason":"gone"}\n\n'
    gateway.handlers["events"] = events([bye])
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.code) == (True, "ROOM_NOT_FOUND")


async def test_truncated_stream_means_come_back(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(event(1) + event(2)[:40])
        assert request.transport is not None
        request.transport.close()
        return response

    gateway.handlers["events"] = handler
    sse = source(session, gateway)
    assert await told(sse, 2) == ["opened", 1]
    assert not (await ending(sse)).permanent


async def test_stream_that_a_proxy_holds_back_is_not_open(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    left = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await left.wait()
        return response

    gateway.handlers["events"] = handler
    silent = SseSource(session, gateway.access(), lambda: None, silence_s=0.05)
    with pytest.raises(Exception, match="no answer in time"):
        await told(silent, 1)
    left.set()


async def test_endless_event_ends_the_connection(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["events"] = events([b"data: " + b"x" * 600_000] * 2)
    assert "larger" in (await ending(source(session, gateway))).reason


@pytest.mark.parametrize(
    "stream",
    [b"event: snapshot\ndata: {}\n\n", b"event: snapshot\ndata: <html>\n\n"],
)
async def test_event_that_is_no_snapshot_ends_the_connection(
    gateway: FakeGateway, session: aiohttp.ClientSession, stream: bytes
) -> None:
    gateway.handlers["events"] = events([stream])
    assert not (await ending(source(session, gateway))).permanent


async def test_captive_portal_is_a_failed_source(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["events"] = portal
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.reason) == (False, "what answered is no event stream")


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after_ms"),
    [
        (problem(404, "ROOM_NOT_FOUND"), True, None),
        (problem(503, "OVERLOADED", retryable=True, retry_after_ms=1500), False, 1500),
        (web.Response(status=503, headers={"Retry-After": "3"}), False, 3000),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), False, None),
        (web.Response(status=404, content_type="application/problem+json"), False, None),
    ],
)
async def test_refusal_is_final_only_from_the_gateway(
    gateway: FakeGateway,
    session: aiohttp.ClientSession,
    answer: web.Response,
    permanent: bool,
    retry_after_ms: int | None,
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return answer

    gateway.handlers["events"] = handler
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.retry_after_ms) == (permanent, retry_after_ms)
