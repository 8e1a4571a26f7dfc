"""What readers get while the service behind a document is away, slow or wrong."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from gateway_kit import ROOM, Answer, hear
from upstream_kit import PATH, Service, behind, document, outcomes, poll_until

PUSH = f"/v1/rooms/{ROOM}/push?docs=x-seats"
HUGE = b'{"epoch":1,"version":1,"a":"' + b"x" * 65_536 + b'"}'


def is_stale(answer: Answer) -> bool:
    return answer.status == 200 and "ttl=-" in answer.headers["Cache-Status"]


def is_fresh(answer: Answer) -> bool:
    return answer.status == 200 and answer.headers["Cache-Status"] == "seatsync; hit"


async def test_while_the_service_is_away_what_is_held_is_served_and_then_it_is_back() -> None:
    service = Service()
    async with behind(service) as node, node.ws(PUSH) as socket:
        await hear(socket, "snapshot")
        await service.stop()
        stale = await poll_until(node, is_stale)
        assert stale.json["version"] == 1
        assert int(stale.headers["Age"]) >= 0
        aged = await poll_until(node, lambda answer: int(answer.headers.get("Age", "0")) >= 1)
        assert (aged.status, is_stale(aged)) == (200, True)
        async with node.ws(PUSH) as late:
            assert (await hear(late, "snapshot"))["version"] == 1
        service.document = document(2)
        await service.start()
        assert (await hear(socket, "snapshot"))["version"] == 2
        assert (await poll_until(node, is_fresh)).json["version"] == 2


async def test_the_circuit_opens_and_nothing_is_sent_until_a_probe_succeeds() -> None:
    service = Service()
    service.say(b"", 500)
    async with behind(service) as node:
        rooms = [f"room{number}" for number in range(8)]
        for room in rooms:
            await node.create(room)
        for room in rooms:
            answer = await node.ask("GET", f"/v1/rooms/{room}/x-seats")
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
        assert service.asked.total() == 5
        assert answer.json["title"].startswith("the upstream failed several times")
        assert (await node.metrics())['seatsync_upstream_open{doc="x-seats"}'] == 1
        assert await outcomes(node) == {"failing": 5, "open": 3}
        service.respond = None
        assert (await poll_until(node, lambda answer: answer.status == 200)).json["version"] == 1
        assert (await node.metrics())['seatsync_upstream_open{doc="x-seats"}'] == 0
        assert service.asked.total() == 6


async def _hang(_: Any) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


def _saying(*arguments: Any, **more: Any) -> Callable[[Service], None]:
    return lambda service: service.say(*arguments, **more)


def _slow(service: Service) -> None:
    service.respond = _hang


FAULTS: dict[str, tuple[Callable[[Service], None], str]] = {
    "no_position": (_saying({"seats": []}), "the upstream's answer names no position"),
    "bad_json": (_saying(b"<html>"), "the upstream's answer is not JSON in UTF-8"),
    "bad_document": (_saying([1]), "the upstream's answer can't be a document"),
    "content_type": (
        _saying(document(), content_type="text/html"),
        "the upstream's answer is not of a JSON type",
    ),
    "too_large": (_saying(HUGE), "the upstream's answer is over 64 KB"),
    "coded": (
        _saying(
            gzip.compress(json.dumps(document()).encode()), headers={"Content-Encoding": "gzip"}
        ),
        "the upstream's answer is compressed",
    ),
    "redirect": (
        _saying(b"", 302, headers={"Location": "/elsewhere"}),
        "the upstream's answer is a redirect",
    ),
    "refused": (_saying({}, 403), "the upstream's answer is neither 200 nor 304 nor 404"),
    "failing": (_saying({}, 502), "the upstream says that it can't answer now"),
    "slow": (_slow, "the upstream takes too long to answer"),
}


@pytest.mark.parametrize("reason", FAULTS)
async def test_with_nothing_held_the_reader_is_told_what_is_wrong_and_nothing_internal(
    reason: str,
) -> None:
    service = Service()
    begin, words = FAULTS[reason]
    begin(service)
    async with behind(service, timeout_ms=50) as node:
        answer = await node.ask("GET", PATH)
        assert (answer.status, answer.code) == (503, "UNAVAILABLE")
        assert answer.json["title"].startswith(words)
        assert answer.json["retryable"] is True
        assert int(answer.headers["Retry-After"]) >= 1
        assert str(service.port) not in answer.body.decode()
        assert (await outcomes(node))[reason] == 1
        assert service.asked.keys() == {ROOM}
        async with node.ws(PUSH) as socket:  # the rest of the connection stays
            error = await hear(socket, "error")
            assert (error["code"], error["doc"]) == ("UNAVAILABLE", "x-seats")
            service.respond = None
            assert (await hear(socket, "snapshot"))["version"] == 1


@pytest.mark.parametrize("reason", ["no_position", "bad_json", "too_large", "slow"])
async def test_what_is_held_outlasts_a_wrong_answer(reason: str) -> None:
    service = Service()
    async with behind(service, timeout_ms=50) as node:
        await node.ask("GET", PATH)
        FAULTS[reason][0](service)
        stale = await poll_until(node, lambda answer: is_stale(answer) and service.asked[ROOM] >= 3)
        assert stale.json["version"] == 1
        service.respond = None
        service.document = document(2)
        await poll_until(node, lambda answer: answer.json["version"] == 2)


async def test_a_service_that_forbids_stale_answers_is_obeyed() -> None:
    service = Service()
    service.fields = {"Cache-Control": "stale-while-revalidate=0, stale-if-error=0"}
    async with behind(service) as node:
        assert (await node.ask("GET", PATH)).status == 200
        service.say({}, 403)
        failed = await poll_until(node, lambda answer: answer.status != 200)
        assert (failed.status, failed.code) == (503, "UNAVAILABLE")
        service.respond = None
        await poll_until(node, lambda answer: answer.status == 200)
