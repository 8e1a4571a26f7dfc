"""The tokens of the demo: for this machine alone, and only where the demo runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import jwt
import pytest
from gateway_kit import ROOM, SECRET, Node, running_node

from gateway.config import DemoUser
from gateway.server import clock_ms
from store.memory import MemoryStore


@pytest.fixture
async def demo() -> AsyncIterator[Node]:
    users = (DemoUser("ivy", "Ivy"), DemoUser("zoe", "Zoë"))
    async with running_node(MemoryStore(clock_ms), demo_users=users) as node:
        yield node


async def test_a_visitor_gets_a_token_that_holds(demo: Node) -> None:
    await demo.live()
    users = (await demo.ask("GET", "/demo/users")).json["users"]
    assert [user["user_id"] for user in users] == ["ivy", "zoe"]
    answer = await demo.ask("POST", "/demo/token", json={"user": "zoe"})
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    claims = jwt.decode(answer.json["token"], SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["nickname"]) == ("zoe", "Zoë")
    assert claims["exp"] == answer.json["expires_at"]
    assert "roles" not in claims
    headers = {"Authorization": f"Bearer {answer.json['token']}"}
    assert (await demo.poll(headers=headers)).json["view"] == "member"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8080",
        "10.0.0.1",
        "0.0.0.0",  # noqa: S104 - a name in a request, nothing binds to it
        "[::ffff:10.0.0.1]",
        "",
        "2130706433",
        "a@127.0.0.1",
    ],
)
async def test_a_name_that_only_points_here_is_refused(demo: Node, host: str) -> None:
    body = b'{"user":"ivy"}'
    for head in (b"GET /demo/users", b"POST /demo/token"):
        reader, writer = await demo.raw(
            head
            + f" HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n".encode()
            + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        answer = await reader.read()
        writer.close()
        assert answer.split(b" ", 2)[1] in (b"403", b"400"), answer
        assert b'token"' not in answer


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8080", "127.8.9.1"])
async def test_every_name_of_loopback_is_fine(demo: Node, host: str) -> None:
    assert (await demo.ask("GET", "/demo/users", headers={"Host": host})).status == 200


async def test_a_foreign_page_gets_no_token(demo: Node) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = await demo.ask("POST", "/demo/token", json={"user": "ivy"}, headers=headers)
    assert answer.status == 403


@pytest.mark.parametrize(
    "body", [b'{"user":"mallory"}', b'{"user":""}', b'{"user":5}', b"{}", b"", b"[]", b"{"]
)
async def test_nobody_else_gets_a_token(demo: Node, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await demo.ask("POST", "/demo/token", data=body, headers=headers)
    assert answer.status == 400
    assert answer.code in ("INVALID_ARGUMENT", "MALFORMED")


async def test_a_form_of_a_page_gets_no_token(demo: Node) -> None:
    answer = await demo.ask("POST", "/demo/token", data={"user": "ivy"})
    assert answer.status == 415


async def test_outside_the_demo_there_is_nothing_of_it(node: Node) -> None:
    for method, path in (("GET", "/demo/users"), ("POST", "/demo/token")):
        answer = await node.ask(method, path, json={"user": "ivy"})
        assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert (await node.poll(ROOM)).status == 404
