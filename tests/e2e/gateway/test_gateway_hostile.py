"""Requests that no well-behaved client sends; afterwards the gateway serves on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from gateway_kit import ROOM, Node, auth, hang_up, upgrade

import gateway.api.requests

STATE = f"/v1/rooms/{ROOM}/state".encode()
HOST = b"Host: a\r\n"

RAW = {
    "both lengths": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n"
    b"\r\nabcde",
    "a negative length": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a length in hex": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\nabcd",
    "a signed length": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
    "an unknown transfer coding": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
    "chunked is not last": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n",
    "a folded header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "a blank before the colon": b"GET /livez HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n",
    "NUL in a header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "a bare CR in a header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "a long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a long header": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "many headers": b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 500 + b"\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/9.9": b"GET /livez HTTP/9.9\r\nHost: a\r\n\r\n",
    "no version": b"GET /livez\r\n\r\n",
    "a method of garbage": b"G\x00T /livez HTTP/1.1\r\nHost: a\r\n\r\n",
}


async def answer_to(node: Node, name: str) -> bytes:
    """Send something broken with a good request behind it; read to the end."""
    reader, writer = await node.raw(RAW[name] + b"GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n")
    async with asyncio.timeout(20):
        answer = await reader.read()
    await hang_up(writer)
    return answer


@pytest.mark.parametrize("name", RAW)
async def test_what_is_no_http_is_refused_and_closed(node: Node, name: str) -> None:
    answer = await answer_to(node, name)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b"HTTP/1.1 431 ")), answer[:300]
    assert b"HTTP/1.1 200 " not in answer, "a second request was read behind a broken one"
    assert (await node.ask("GET", "/livez")).status == 200


@pytest.mark.parametrize("name", RAW)
async def test_what_is_no_http_is_answered_by_a_problem_that_repeats_none_of_it(
    node: Node, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    head, _, body = (await answer_to(node, name)).partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"aiohttp" not in head, "the software and its version are nobody's business"
    assert json.loads(body)["code"] in ("MALFORMED", "INVALID_ARGUMENT")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_token_on_a_broken_line_is_neither_echoed_nor_logged(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    mine = auth("bob")["Authorization"]
    reader, writer = await node.raw(
        f"GET /livez HTTP/1.1\r\nHost: a\r\nAuthorization: {mine}\x00\r\n\r\n".encode()
    )
    async with asyncio.timeout(20):
        answer = await reader.read()
    await hang_up(writer)
    assert answer.split(b" ", 2)[1] == b"400"
    signature = mine.rpartition(".")[2][:16]
    assert signature not in answer.decode()
    assert signature not in caplog.text


async def test_a_body_that_never_ends_is_given_up(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.api.requests, "BODY_TIMEOUT_S", 0.2)
    await node.live()
    bearer = auth("bob")["Authorization"]
    reader, writer = await node.raw(
        f"POST /v1/rooms/{ROOM}/commands HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
    )
    async with asyncio.timeout(10):
        answer = await reader.read()
    await hang_up(writer)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 408 ")), answer


async def test_a_client_that_hangs_up_in_its_body_leaves_no_trace(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    await node.live()
    bearer = auth("bob")["Authorization"]
    for _ in range(20):
        _, writer = await node.raw(
            f"POST /v1/rooms/{ROOM}/commands HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
        )
        writer.transport.abort()
    await node.do("bob", "seat.take", seat_index=3)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_command_whose_sender_hangs_up_is_carried_through(node: Node) -> None:
    await node.live()
    bearer = auth("bob")["Authorization"]
    body = b'{"cmd":"seat.take","cmd_id":"k1","args":{"seat_index":3}}'
    head = (
        f"POST /v1/rooms/{ROOM}/commands HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await node.raw(head.encode() + body)
    await hang_up(writer)
    again = await node.command("bob", "seat.take", {"seat_index": 3}, cmd_id="k1")
    assert again.status == 200
    assert (await node.poll()).json["seats"][3]["status"] == "occupied"


async def test_requests_in_a_pipeline_are_answered_in_their_order(node: Node) -> None:
    await node.live()
    request = b"GET " + STATE + b" HTTP/1.1\r\n" + HOST
    reader, writer = await node.raw(
        (request + b"\r\n") * 50 + request + b"Connection: close\r\n\r\n"
    )
    answer = await reader.read()
    await hang_up(writer)
    assert answer.count(b"HTTP/1.1 200 ") == 51


async def test_a_body_behind_an_upgrade_is_no_second_request(node: Node) -> None:
    await node.live()
    request = upgrade("/v1/push", "Content-Length: 40")
    smuggled = b"GET /livez HTTP/1.1\r\nHost: smuggled\r\n\r\n"
    reader, writer = await node.raw(request + smuggled)
    async with asyncio.timeout(10):
        answer = await reader.read(4096)
    writer.transport.abort()
    assert b"HTTP/1.1 200 " not in answer


async def test_a_thousand_half_open_requests_hold_nobody_up(node: Node) -> None:
    await node.live()
    halves = [await node.raw(b"GET " + STATE + b" HTTP/1.1\r\n") for _ in range(500)]
    assert (await node.poll()).status == 200
    for _, writer in halves:
        writer.transport.abort()


async def slow_drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.01)


async def test_a_body_that_drips_is_given_up_however_long_it_goes_on(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.api.requests, "BODY_TIMEOUT_S", 0.3)
    await node.live()
    headers = {"Content-Type": "application/json"}
    path = f"/v1/rooms/{ROOM}/commands"
    async with asyncio.timeout(10):
        answer = await node.ask("POST", path, user="bob", data=slow_drip(), headers=headers)
    assert answer.status in (400, 408)


async def test_queries_of_garbage_are_refused_or_ignored(node: Node) -> None:
    await node.live()
    for query in ("%", "%zz", "a=%00", "docs=%FF", "docs=%0A", "=", "&&&&", "after=1.1&after=x"):
        for path in ("state", "events"):
            url = f"GET /v1/rooms/{ROOM}/{path}?{query} HTTP/1.1\r\nHost: a\r\n\r\n"
            reader, writer = await node.raw(url.encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.split(b" ", 2)[1] in (b"200", b"204", b"400"), (query, path, answer)
            await hang_up(writer)
