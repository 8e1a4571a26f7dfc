"""What a stranger or a careless client sends stays out of logs and answers (F45, F47, F49)."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from tests.e2e.edge.edge_crowd import call
from tests.e2e.edge.edge_kit import PATIENCE_S, Answered, Server, get, served, take_answer
from tests.e2e.gateway.gateway_kit import OWNER, ROOM, SECRET, client_frame, token, upgrade

MARK = "planted4e1f"
BAD_TOKENS = {
    "expired": token(exp=int(time.time()) - 60),
    "another key": token(secret=b"another secret of thirty-two bytes or more"),
    "cut off": token()[:-2],
    "no signature": token().rpartition(".")[0] + ".",
    "no user": token(sub=None),
    "no end": token(exp=None),
    "a kind of its own": token(kind="god"),
    "not yet": token(nbf=int(time.time()) + 600),
    "no token": "x",
}
WAYS = {
    "poll": lambda bad: get(f"/v1/rooms/{ROOM}/state", f"Authorization: Bearer {bad}"),
    "long poll": lambda bad: get(
        f"/v1/rooms/{ROOM}/state?after=9007199254740991.0&wait=20", f"Authorization: Bearer {bad}"
    ),
    "poll of no room": lambda bad: get("/v1/rooms/no/state", f"Authorization: Bearer {bad}"),
    "entry": lambda bad: get(f"/v1/rooms/{ROOM}/entry", f"Authorization: Bearer {bad}"),
    "events": lambda bad: get(f"/v1/rooms/{ROOM}/events", f"Authorization: Bearer {bad}"),
    "push": lambda bad: upgrade(f"/v1/rooms/{ROOM}/push", f"Authorization: Bearer {bad}"),
    "push of all": lambda bad: upgrade("/v1/push", f"Authorization: Bearer {bad}"),
    "command": lambda bad: command(f"Authorization: Bearer {bad}"),
}


def command(*lines: str) -> bytes:
    body = '{"cmd":"seat.leave","cmd_id":"k1","args":{}}'
    head = (f"POST /v1/rooms/{ROOM}/commands HTTP/1.1", "Host: a", *lines)
    kind = ("Content-Type: application/json", f"Content-Length: {len(body)}", "", body)
    return "\r\n".join((*head, *kind)).encode()


async def answer_to(server: Server, request: bytes) -> Answered:
    reader = await call(server.address, request)
    reader.abort()
    return reader.answer.result()


async def test_a_bad_token_is_401_by_every_way_and_the_answers_are_alike(start: Any) -> None:
    """Nobody learns by the answer why a token does not hold, or whether a room is there."""
    async with served(start) as server:
        await server.node.live()
        for name, bad in BAD_TOKENS.items():
            bodies = set()
            for way, request in WAYS.items():
                answer = await answer_to(server, request(bad))
                assert answer.status == 401, (name, way, answer)
                assert (answer.json["code"], bad in answer.body.decode()) == (
                    "UNAUTHENTICATED",
                    False,
                )
                bodies.add(answer.body)
            assert len(bodies) == 1, (name, bodies)


async def test_a_token_that_ends_is_refused_on_a_kept_connection_whose_head_is_known(
    start: Any,
) -> None:
    async with served(start) as server:
        await server.node.live()
        ends_s = int(time.time()) + 2
        request = get(
            f"/v1/rooms/{ROOM}/state", f"Authorization: Bearer {token('bob', exp=ends_s)}"
        )
        reader, writer = await asyncio.open_connection(*server.address)
        held, statuses = b"", []
        async with asyncio.timeout(PATIENCE_S):
            while not statuses or statuses[-1] == 200:
                asked_s = time.time()
                writer.write(request)
                while (found := take_answer(held)) is None:
                    held += await reader.read(65536)
                answer, held = found
                statuses.append(answer.status)
                assert answer.status == 401 or asked_s < ends_s
                await asyncio.sleep(0.02)
        writer.transport.abort()
    assert statuses[0] == 200
    assert statuses[-1] == 401


def planted(secret: str) -> dict[str, bytes]:
    """Requests that carry a secret where clients have put theirs, and where none belongs."""
    mine = f"Authorization: Bearer {secret}"
    broken = f"GET /livez HTTP/1.1\r\nHost: a\r\n{mine}"
    return {
        "poll": get(f"/v1/rooms/{ROOM}/state", mine),
        "query": get(f"/v1/rooms/{ROOM}/state?token={secret}&after={secret}"),
        "query of push": upgrade(f"/v1/rooms/{ROOM}/push?token={secret}&have={secret}"),
        "query of entry": get(f"/v1/rooms/{ROOM}/entry?access_token={secret}"),
        "lent": get(f"/livez?token={secret}", mine),
        "lent path": get(f"/nowhere/{secret}", mine),
        "document": get(f"/v1/rooms/{ROOM}/x-{secret[:20]}", mine),
        "subprotocol": upgrade(
            f"/v1/rooms/{ROOM}/push", f"Sec-WebSocket-Protocol: seatsync.v1, bearer.{secret}"
        ),
        "subprotocol alone": upgrade("/v1/push", f"Sec-WebSocket-Protocol: bearer.{secret}"),
        "subprotocol, no upgrade": get(
            f"/v1/rooms/{ROOM}/state", f"Sec-WebSocket-Protocol: bearer.{secret}"
        ),
        "bad key": upgrade("/v1/push").replace(b"dGhlIHNhbXBsZSBub25jZQ==", secret.encode()),
        "cookie": get(f"/v1/rooms/{ROOM}/state", f"Cookie: {secret}"),
        "last event": get(f"/v1/rooms/{ROOM}/events", f"Last-Event-ID: {secret}"),
        "condition": get(f"/v1/rooms/{ROOM}/state", f'If-None-Match: "{secret}"'),
        "origin": get(f"/v1/rooms/{ROOM}/state", f"Origin: https://{secret}.example"),
        "two authorizations": get(f"/v1/rooms/{ROOM}/state", mine, mine),
        "basic": get(f"/v1/rooms/{ROOM}/state", f"Authorization: Basic {secret}"),
        "command": command(mine),
        "command field": command().replace(b"seat.leave", f"{secret[:10]:x<10}".encode()),
        "NUL": f"{broken}\0\r\n\r\n".encode(),
        "bare CR": f"{broken}\rX: a\r\n\r\n".encode(),
        "no colon": f"GET /livez HTTP/1.1\r\nHost: a\r\nBearer {secret}\r\n\r\n".encode(),
        "name": f"GET /livez HTTP/1.1\r\nHost: a\r\n{secret}: x\r\n\r\n".encode(),
        "method": f"{secret} /livez HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
        "version": f"GET /livez {secret}\r\nHost: a\r\n\r\n".encode(),
        "host": f"GET /livez HTTP/1.1\r\nHost: {secret} x\r\n\r\n".encode(),
        "userinfo": f"GET http://u:{secret}@a/livez HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
        "long": f"GET /livez HTTP/1.1\r\nHost: a\r\nX: {secret}{'a' * 70000}\r\n\r\n".encode(),
        "length": f"POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: {secret}\r\n\r\n".encode(),
        "chunk": command()
        .replace(b"Content-Length: 44", b"Transfer-Encoding: chunked")
        .replace(b"\r\n\r\n", f"\r\n\r\n{secret}\r\n".encode()),
        "TLS": b"\x16\x03\x01\x02\x00" + secret.encode() + b"\r\n\r\n",
        "frame": upgrade(f"/v1/rooms/{ROOM}/push") + client_frame(1, secret.encode()),
        "frame that breaks the rules": upgrade("/v1/push") + client_frame(3, secret.encode()),
        "close reason": upgrade("/v1/push") + client_frame(8, b"\x03\xe8" + secret[:100].encode()),
    }


async def everything_said(server: Server, request: bytes) -> bytes:
    """Send something, and whatever the server makes of it, read on for a moment."""
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(request)
    said = b""
    try:
        async with asyncio.timeout(0.3):  # most connections stay open
            while piece := await reader.read(65536):
                said += piece
    except (TimeoutError, ConnectionError):
        assert said or request
    writer.transport.abort()
    return said


@pytest.mark.parametrize("kind", ["a token that holds", "a token that does not"])
async def test_no_secret_is_logged_or_told_back_wherever_it_is_sent(start: Any, kind: str) -> None:
    mine = token(OWNER if kind == "a token that holds" else f"{MARK} {MARK}", nickname=MARK)
    async with served(start, "--log-level", "debug") as server:
        await server.node.live()
        requests = planted(mine)
        said = await asyncio.gather(
            *(everything_said(server, request) for request in requests.values())
        )
        assert (await server.node.poll()).status == 200
        server.program.terminate()
        assert await server.program.ended(12) == 0
        log = server.program.log.read_text()
    signature, claims = mine.rpartition(".")[2], mine.split(".")[1]
    for part in (mine, signature, signature[:16], claims, claims[:24], MARK, SECRET.decode()):
        assert part not in log, part
        for name, answer in zip(requests, said, strict=True):
            assert part.encode() not in answer, (name, part)
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) > 1
    assert [line for line in lines if line["level"] in ("error", "critical")] == []


async def test_every_answer_is_json_of_ours_and_names_no_software(start: Any) -> None:
    async with served(start) as server:
        await server.node.live()
        requests = planted("planted")
        answers = await asyncio.gather(
            *(everything_said(server, request) for request in requests.values())
        )
    for name, answer in zip(requests, answers, strict=True):
        head, _, _ = answer.partition(b"\r\n\r\n")
        if name == "chunk" and not head:
            continue  # a chunk's line may go on
        assert head.startswith(b"HTTP/1.1 "), (name, answer)
        lower = head.lower()
        assert lower.count(b"\r\nserver:") == lower.count(b"\r\nserver: seatsync\r\n"), name
        for software in (b"aiohttp", b"python", b"uvloop", b"httptools", b"llhttp"):
            assert software not in answer.lower(), (name, software)
        if head.split(b" ", 2)[1].startswith((b"4", b"5")):
            assert b"\r\ncontent-type: application/problem+json" in lower, (name, head)
            found = take_answer(answer)
            assert found is not None
            assert found[0].json["status"] == found[0].status
            assert found[1] == b"", (name, "more than one answer")
