from __future__ import annotations

import json
import traceback
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from client_fake_gateway import EPOCH, FakeGateway, portal, problem

from room.position import Position
from seatsync.commands import MAX_ATTEMPTS, CommandSender
from seatsync.errors import CommandRefused, CommandUnanswered

TOKEN = "header.claims.signature"


class CommandBook:
    """Carries commands out as the gateway does: the same ``cmd_id`` gets the first ack again."""

    def __init__(self) -> None:
        self.acks: dict[str, dict[str, Any]] = {}
        self.bodies: list[dict[str, Any]] = []
        self.lose_answers = 0

    async def handler(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        version = len(self.acks) + 1
        ack = self.acks.setdefault(
            body["cmd_id"],
            {
                "type": "ack",
                "cmd_id": body["cmd_id"],
                "changed": True,
                "epoch": EPOCH,
                "version": version,
                "positions": {"requests": f"{EPOCH}.1"},
                "result": {"seat_index": 3},
            },
        )
        if self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(ack)


def sender(session: aiohttp.ClientSession, gateway: FakeGateway, **more: Any) -> CommandSender:
    return CommandSender(session, gateway.access(TOKEN), lambda: 0.0, **more)


def answers(gateway: FakeGateway, *responses: web.Response) -> None:
    left = list(responses)

    async def handler(_request: web.Request) -> web.Response:
        return left.pop(0)

    gateway.handlers["commands"] = handler


async def test_command_is_posted_and_its_ack_given(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    book = CommandBook()
    gateway.handlers["commands"] = book.handler
    ack = await sender(session, gateway).send(
        "seat.take", {"seat_index": 3}, cmd_id="c1", if_version=Position(EPOCH, 0)
    )
    assert (ack.changed, ack.position, ack.result) == (True, (EPOCH, 1), {"seat_index": 3})
    assert book.bodies == [
        {
            "cmd": "seat.take",
            "cmd_id": "c1",
            "args": {"seat_index": 3},
            "if_version": f"{EPOCH}.0",
        }
    ]
    (request,) = gateway.requests
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Content-Type"] == "application/json"
    assert TOKEN not in request.raw_path


async def test_commands_get_ids_of_their_own(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    book = CommandBook()
    gateway.handlers["commands"] = book.handler
    for _ in range(20):
        await sender(session, gateway).send("seat.leave", {})
    assert len(book.acks) == 20
    assert all(1 <= len(cmd_id) <= 64 for cmd_id in book.acks)


async def test_lost_answer_and_resend_are_one_command(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    book = CommandBook()
    book.lose_answers = 2
    gateway.handlers["commands"] = book.handler
    ack = await sender(session, gateway).send("seat.take", {"seat_index": 3})
    assert ack.version == 1
    assert len(book.bodies) == 3
    assert len(book.acks) == 1
    assert book.bodies[0] == book.bodies[1] == book.bodies[2]


async def test_answers_lost_for_ever_leave_the_outcome_open(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    book = CommandBook()
    book.lose_answers = 100
    gateway.handlers["commands"] = book.handler
    with pytest.raises(CommandUnanswered) as caught:
        await sender(session, gateway).send("seat.leave", {}, cmd_id="c1")
    assert caught.value.cmd_id == "c1"
    assert len(book.bodies) == MAX_ATTEMPTS
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_answer_that_takes_too_long_is_lost(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    book = CommandBook()

    async def handler(request: web.Request) -> web.Response:
        response = await book.handler(request)
        if len(book.bodies) == 1:
            await gateway.stopping.wait()
        return response

    gateway.handlers["commands"] = handler
    ack = await sender(session, gateway, attempt_timeout_s=0.1).send("seat.leave", {})
    assert ack.version == 1
    assert len(book.bodies) == 2


async def test_refusal_for_good_is_raised_at_once(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    answers(gateway, problem(409, "SEAT_OCCUPIED", epoch=EPOCH, version=9))
    with pytest.raises(CommandRefused) as caught:
        await sender(session, gateway).send("seat.take", {"seat_index": 3})
    refused = caught.value
    assert (refused.code, refused.message, refused.retryable) == ("SEAT_OCCUPIED", "no", False)
    assert (refused.position, refused.status) == ((EPOCH, 9), 409)
    assert refused.travel.status == 409


async def test_code_that_this_client_does_not_know_is_raised_as_it_is(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    answers(gateway, problem(418, "BRAND_NEW"))
    with pytest.raises(CommandRefused) as caught:
        await sender(session, gateway).send("seat.leave", {})
    assert caught.value.code == "BRAND_NEW"
    assert caught.value.travel.status == 418


async def test_retryable_refusal_is_tried_again_with_the_same_id(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    ack = {"type": "ack", "cmd_id": "c1", "changed": False, "epoch": 1, "version": 2}
    answers(
        gateway,
        problem(409, "CONFLICT_RETRY", retryable=True),
        problem(503, "OVERLOADED", retryable=True, retry_after_ms=100),
        web.Response(status=502, text="<html>"),
        web.json_response(ack),
    )
    got = await sender(session, gateway).send("seat.leave", {}, cmd_id="c1")
    assert (got.changed, got.position) == (False, (1, 2))
    assert {json.loads(await request.read())["cmd_id"] for request in gateway.requests} == {"c1"}


async def test_retries_are_bounded_in_number(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    answers(gateway, *[problem(503, "UNAVAILABLE", retryable=True) for _ in range(10)])
    with pytest.raises(CommandRefused) as caught:
        await sender(session, gateway).send("seat.leave", {})
    assert (caught.value.code, caught.value.retryable) == ("UNAVAILABLE", True)
    assert len(gateway.requests) == MAX_ATTEMPTS


async def test_retries_are_bounded_in_time(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    answers(gateway, problem(429, "RATE_LIMITED", retryable=True, retry_after_ms=60_000))
    with pytest.raises(CommandRefused) as caught:
        await sender(session, gateway).send("seat.leave", {})
    assert caught.value.retry_after_ms == 60_000
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    "body",
    [b"{}", b"<html>", b'{"type":"ack","cmd_id":"other","changed":true,"epoch":1,"version":2}'],
)
async def test_answer_that_is_no_ack_to_this_command_is_none(
    gateway: FakeGateway, session: aiohttp.ClientSession, body: bytes
) -> None:
    answers(gateway, *[web.Response(body=body) for _ in range(MAX_ATTEMPTS)])
    with pytest.raises(CommandUnanswered):
        await sender(session, gateway).send("seat.leave", {})


async def test_captive_portal_does_not_pass_for_the_gateway(
    gateway: FakeGateway, session: aiohttp.ClientSession
) -> None:
    gateway.handlers["commands"] = portal
    with pytest.raises(CommandUnanswered, match="not the gateway"):
        await sender(session, gateway).send("seat.leave", {})
