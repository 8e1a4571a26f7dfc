from __future__ import annotations

import base64
import hashlib

import aiohttp
import pytest
from aiohttp import web
from client_fake_gateway import FakeGateway, portal, problem, snapshot_body
from client_one_life import ending, told

from seatsync.sources.poll import (
    DEFAULT_INTERVAL_MS,
    LONGEST_INTERVAL_MS,
    SHORTEST_INTERVAL_MS,
    PollSource,
)


def source(session: aiohttp.ClientSession, gateway: FakeGateway) -> PollSource:
    return PollSource(session, gateway.access("a.b.c"), lambda: 0.0)


def answer(version: int, body: bytes | None = None, **headers: str) -> web.Response:
    return web.Response(
        body=snapshot_body(version) if body is None else body,
        content_type="application/json",
        headers={"ETag": f'"e.{version}"', "Seatsync-Poll-Ms": "100"} | headers,
    )


def serve(gateway: FakeGateway, answers: list[web.Response]) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return answers.pop(0)

    gateway.handlers["state"] = handler


async def test_polls_are_conditional_after_the_first(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    unchanged = web.Response(status=304, headers={"Seatsync-Poll-Ms": "100"})
    serve(gateway, [answer(4), unchanged, answer(5)])
    assert await told(source(session, gateway), 3) == [4, "opened", 5]
    asked = [request.headers.get("If-None-Match") for request in gateway.requests]
    assert asked == [None, '"e.4"', '"e.4"']
    assert gateway.requests[0].headers["Authorization"] == "Bearer a.b.c"


async def test_next_life_goes_on_with_the_same_validator(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    serve(gateway, [answer(4), web.Response(status=304)])
    poll = source(session, gateway)
    assert await told(poll, 1) == [4]
    assert await told(poll, 1) == ["opened"]
    assert gateway.requests[1].headers["If-None-Match"] == '"e.4"'


async def test_gzip_coded_answer_is_read(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    coded = answer(4)
    coded.enable_compression(web.ContentCoding.gzip)
    serve(gateway, [coded])
    assert await told(source(session, gateway), 1) == [4]


@pytest.mark.parametrize("sent", [snapshot_body(4), snapshot_body(5)])
async def test_digest_is_checked(
    gateway: FakeGateway, session: aiohttp.ClientSession, sent: bytes
) -> None:
    digest = base64.b64encode(hashlib.sha256(snapshot_body(4)).digest()).decode()
    serve(gateway, [answer(4, sent, **{"Repr-Digest": f"sha-256=:{digest}:"})])
    poll = source(session, gateway)
    if sent == snapshot_body(4):
        assert await told(poll, 1) == [4]
    else:
        assert "digest" in (await ending(poll)).reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"type":"snapshot"}',
        snapshot_body(4)[:-30],
        snapshot_body(4, room="other"),
        snapshot_body(4, doc="requests"),
        snapshot_body(4, version=-1),
        snapshot_body(4, version=2**53),
        snapshot_body(4, padding="x" * 1_100_000),
    ],
    ids=lambda body: f"{len(body)}-{hashlib.sha256(body).hexdigest()[:6]}",
)
async def test_answer_that_is_no_snapshot_of_the_room_is_a_failed_source(
    gateway: FakeGateway, session: aiohttp.ClientSession, body: bytes
) -> None:
    serve(gateway, [answer(4, body), answer(5)])
    poll = source(session, gateway)
    assert not (await ending(poll)).permanent
    assert await told(poll, 1) == [5]
    assert "If-None-Match" not in gateway.requests[1].headers, "what was broken is asked for anew"


async def test_captive_portal_is_a_failed_source(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["state"] = portal
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.reason) == (False, "poll brought something that is no snapshot")


async def test_truncated_answer_is_a_failed_source(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "500"})
        await response.prepare(request)
        await response.write(snapshot_body(4)[:100])
        assert request.transport is not None
        request.transport.close()
        return response

    gateway.handlers["state"] = handler
    assert "connection lost" in (await ending(source(session, gateway))).reason


@pytest.mark.parametrize(
    ("refusal", "permanent", "retry_after_ms", "code"),
    [
        (problem(404, "ROOM_NOT_FOUND"), True, None, "ROOM_NOT_FOUND"),
        (problem(401, "UNAUTHENTICATED"), True, None, "UNAUTHENTICATED"),
        (problem(429, "RATE_LIMITED", retryable=True), False, None, "RATE_LIMITED"),
        (problem(503, "UNAVAILABLE", retryable=True, retry_after_ms=7), False, 7, "UNAVAILABLE"),
        (web.Response(status=503, headers={"Retry-After": "4"}), False, 4000, "UNAVAILABLE"),
        (web.Response(status=404), False, None, "UNAVAILABLE"),
        (web.Response(status=204), False, None, "UNAVAILABLE"),
        (web.Response(status=304), False, None, "UNAVAILABLE"),
        (web.Response(status=302, headers={"Location": "/login"}), False, None, "UNAVAILABLE"),
    ],
)
async def test_other_statuses_end_the_life_as_the_gateway_says(
    gateway: FakeGateway,
    session: aiohttp.ClientSession,
    refusal: web.Response,
    permanent: bool,
    retry_after_ms: int | None,
    code: str,
) -> None:
    serve(gateway, [refusal])
    ended = await ending(source(session, gateway))
    assert (ended.permanent, ended.retry_after_ms, ended.code) == (permanent, retry_after_ms, code)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    ("field", "draw", "wait_s"),
    [
        ("1000", 0.0, 0.8),
        ("1000", 0.5, 1.0),
        ("1000", 1.0, 1.2),
        ("0", 0.5, SHORTEST_INTERVAL_MS / 1000),
        ("999999999999", 0.5, LONGEST_INTERVAL_MS / 1000),
        ("soon", 0.5, DEFAULT_INTERVAL_MS / 1000),
        ("-5", 0.5, DEFAULT_INTERVAL_MS / 1000),
    ],
)
async def test_interval_is_the_gateways_within_reason_and_spread(
    gateway: FakeGateway, session: aiohttp.ClientSession, field: str, draw: float, wait_s: float
) -> None:
    waits: list[float] = []

    async def sleep(delay_s: float) -> None:
        waits.append(delay_s)

    serve(gateway, [answer(4, **{"Seatsync-Poll-Ms": field}), answer(5)])
    poll = PollSource(session, gateway.access(), lambda: draw, sleep=sleep)
    assert await told(poll, 2) == [4, 5]
    assert waits == [pytest.approx(wait_s)]


async def test_validator_that_cannot_be_sent_back_is_not_kept(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    serve(gateway, [answer(4, ETag='"\xe9"'), answer(5)])
    poll = source(session, gateway)
    assert await told(poll, 2) == [4, 5]
    assert "If-None-Match" not in gateway.requests[1].headers
