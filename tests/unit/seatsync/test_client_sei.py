from __future__ import annotations

from itertools import count
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from client_fake_gateway import EPOCH, FakeGateway, events, portal, problem, snapshot_body
from client_one_life import ending, told
from yarl import URL

from room.position import Position
from seatsync.sources.sei import SeiSource
from sei.wire.message import message_unit
from sei.wire.payload import encode

FLV_HEADER = b"FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00"


def tag(*units: bytes) -> bytes:
    """A video tag of AVC NAL units."""
    body = b"\x17\x01\x00\x00\x00" + b"".join(len(unit).to_bytes(4) + unit for unit in units)
    head = b"\x09" + len(body).to_bytes(3) + b"\x00" * 7
    return head + body + (11 + len(body)).to_bytes(4)


def state(version: int, *, room: str = "demo", body: bytes | None = None) -> bytes:
    whole = snapshot_body(version) if body is None else body
    position = Position(EPOCH, version)
    messages = encode(room, position, 1_732_150_000_000 + version, whole)
    return b"".join(tag(message_unit(message, "h264"), b"\x65\x88") for message in messages)


def live(*tags: bytes) -> Any:
    return events([FLV_HEADER, *tags], content_type="video/x-flv")


def media(*streams: dict[str, str]) -> Any:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"streams": list(streams), "orientation": "landscape"})

    return handler


def flv(gateway: FakeGateway) -> dict[str, str]:
    return {"format": "flv", "url": f"{gateway.url}/live.flv", "quality": "sd"}


def source(session: aiohttp.ClientSession, gateway: FakeGateway, **more: Any) -> SeiSource:
    return SeiSource(session, gateway.access("a.b.c"), **more)


async def test_state_is_read_out_of_the_first_flv_stream(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["media"] = media({"format": "hls", "url": "x"}, flv(gateway))
    gateway.handlers["live.flv"] = live(state(4), tag(b"\x65\x88"), state(5))
    assert await told(source(session, gateway), 2) == [4, 5]


async def test_token_is_not_sent_to_the_stream(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["media"] = media(flv(gateway))
    gateway.handlers["live.flv"] = live(state(4))
    await told(source(session, gateway), 1)
    (request,) = gateway.asked_for("live.flv")
    assert "Authorization" not in request.headers


async def test_address_of_a_stream_may_be_relative(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["media"] = media({"format": "flv", "url": "/live.flv"})
    gateway.handlers["live.flv"] = live(state(4))
    assert await told(source(session, gateway), 1) == [4]


async def test_address_that_worked_is_used_while_the_gateway_is_gone(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["media"] = media(flv(gateway))
    gateway.handlers["live.flv"] = live(state(4))
    sei = source(session, gateway)
    await sei.locate()
    gateway.handlers["media"] = portal
    assert await told(sei, 1) == [4]
    assert await told(sei, 1) == [4]
    assert len(gateway.asked_for("media")) == 1


async def test_address_that_failed_is_asked_for_anew_and_kept_if_there_is_no_answer(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["media"] = media(flv(gateway))
    sei = source(session, gateway)
    assert (await ending(sei)).reason == "the stream answered with HTTP status 404"
    gateway.handlers["media"] = portal
    gateway.handlers["live.flv"] = live(state(4))
    assert await told(sei, 1) == [4]
    assert len(gateway.asked_for("media")) == 2


async def test_given_address_is_used_without_asking(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["live.flv"] = live(state(4))
    sei = source(session, gateway, stream_url=URL(gateway.url) / "live.flv")
    assert await told(sei, 1) == [4]
    assert gateway.asked_for("media") == []


@pytest.mark.parametrize(
    "forged",
    [
        state(9, room="other"),
        state(9, body=b"no snapshot"),
        state(9, body=snapshot_body(9, room="other")),
        state(9, body=snapshot_body(9, view="member")),
        state(9, body=snapshot_body(9, doc="requests")),
        state(9, body=snapshot_body(9, schema=2)),
        state(9, body=snapshot_body(9, version=10)),
        state(9, body=snapshot_body(9, ts=1)),
    ],
    ids=["room", "text", "inner-room", "view", "doc", "schema", "position", "ts"],
)
async def test_message_that_does_not_hold_is_passed_over(
    gateway: FakeGateway, session: aiohttp.ClientSession, forged: bytes
) -> None:
    gateway.handlers["live.flv"] = live(forged, state(4))
    sei = source(session, gateway, stream_url=URL(gateway.url) / "live.flv")
    assert await told(sei, 1) == [4]


async def test_stream_without_state_is_given_up(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["live.flv"] = live(*[tag(b"\x65\x88")] * 5)
    ticks = count()
    sei = source(
        session,
        gateway,
        stream_url=URL(gateway.url) / "live.flv",
        stateless_s=0.5,
        clock_s=lambda: next(ticks),
    )
    assert (await ending(sei)).reason == "the stream carries no state of this room"


async def test_end_of_the_stream_means_come_back(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["live.flv"] = live(state(4))
    ended = await ending(source(session, gateway, stream_url=URL(gateway.url) / "live.flv"))
    assert (ended.permanent, ended.reason) == (False, "the stream ended")


async def test_captive_portal_is_a_failed_source(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["live.flv"] = portal
    ended = await ending(source(session, gateway, stream_url=URL(gateway.url) / "live.flv"))
    assert ended.reason.startswith("the stream is broken")


@pytest.mark.parametrize(
    ("streams", "permanent"),
    [
        ([], True),
        ([{"format": "mp4", "url": "http://host/a.mp4"}], True),
        ([{"format": "flv", "url": "rtmp://host/a"}], False),
        ([{"format": "flv", "url": "http://[::"}], False),
        ([{"url": "http://host/a.flv"}], False),
    ],
)
async def test_media_without_a_usable_stream_ends_the_channel(
    gateway: FakeGateway,
    session: aiohttp.ClientSession,
    streams: list[dict[str, str]],
    permanent: bool,
) -> None:
    gateway.handlers["media"] = media(*streams)
    assert (await ending(source(session, gateway))).permanent is permanent


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [(problem(404, "DOC_NOT_FOUND"), True), (web.Response(status=404), False)],
)
async def test_room_without_media_is_final_only_from_the_gateway(
    gateway: FakeGateway, session: aiohttp.ClientSession, answer: web.Response, permanent: bool
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return answer

    gateway.handlers["media"] = handler
    assert (await ending(source(session, gateway))).permanent is permanent
