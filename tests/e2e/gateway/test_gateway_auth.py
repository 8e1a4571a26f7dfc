"""Tokens: which hold, how they are carried, and what happens when they end (PROTOCOL.md 3)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from gateway_kit import (
    OWNER,
    ROOM,
    SECRET,
    Node,
    auth,
    greeted,
    hear,
    hear_close,
    token,
)


def signed(algorithm: str, key: Any, **claims: Any) -> str:
    body = {"sub": OWNER, "exp": int(time.time()) + 600, **claims}
    return jwt.encode(body, key, algorithm=algorithm)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str) -> str:
    claims = {"sub": OWNER, "exp": int(time.time()) + 600}
    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims)}."


def altered() -> str:
    head, _, signature = token("bob").split(".")
    return f"{head}.{part({'sub': OWNER, 'exp': int(time.time()) + 600})}.{signature}"


BAD: dict[str, Callable[[], str]] = {
    "expired": lambda: token(exp=int(time.time()) - 1),
    "expired long ago": lambda: token(exp=0),
    "expires before time began": lambda: token(exp=-1),
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg nOnE": lambda: unsigned("nOnE"),
    "HS256 without a signature": lambda: unsigned("HS256"),
    "another key": lambda: token(secret=b"another secret of thirty-two bytes or more"),
    "an empty key": lambda: token(secret=b"\x00" * 32),
    "HS384": lambda: signed("HS384", SECRET + SECRET),
    "HS384 with our key": lambda: signed("HS384", (SECRET * 2)[:48]),
    "HS512": lambda: signed("HS512", SECRET * 2),
    "RS256": lambda: signed("RS256", rsa.generate_private_key(65537, 2048)),
    "ES256": lambda: signed("ES256", ec.generate_private_key(ec.SECP256R1())),
    "altered claims": altered,
    "no exp": lambda: token(exp=None),
    "no sub": lambda: token(sub=None),
    "exp as text": lambda: token(exp=str(int(time.time()) + 600)),
    "exp true": lambda: token(exp=True),
    "exp in a list": lambda: token(exp=[int(time.time()) + 600]),
    "sub empty": lambda: token(sub=""),
    "sub with a blank": lambda: token(sub="a b"),
    "sub with a line end": lambda: token(sub="olga\n"),
    "sub with a slash": lambda: token(sub="a/b"),
    "sub beyond ASCII": lambda: token(sub="ölga"),
    "sub too long": lambda: token(sub="x" * 65),
    "kind unknown": lambda: token(kind="god"),
    "roles of numbers": lambda: token(roles=[1]),
    "nickname a number": lambda: token(nickname=7),
    "not valid yet": lambda: token(nbf=int(time.time()) + 600),
    "one part": lambda: "nonsense",
    "three empty parts": lambda: "..",
    "four parts": lambda: token() + ".x",
    "not base64": lambda: "!!!.???.***",
    "a blank inside": lambda: token() + " x",
    "too long": lambda: token(nickname="n" * 5000),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_token_that_does_not_hold_is_401_and_never_anonymous(node: Node, name: str) -> None:
    await node.live()
    headers = {"Authorization": f"Bearer {BAD[name]()}"}
    for method, path in (
        ("GET", f"/v1/rooms/{ROOM}/state"),
        ("GET", f"/v1/rooms/{ROOM}/events"),
        ("PUT", "/v1/rooms/other"),
        ("POST", f"/v1/rooms/{ROOM}/commands"),
    ):
        answer = await node.ask(method, path, headers=headers, json={"cmd": "x", "cmd_id": "x"})
        assert (answer.status, answer.code) == (401, "UNAUTHENTICATED"), (method, path)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Cache-Control"] == "no-store"
    async with node.ws(headers=headers) as socket:
        bye, code = await hear_close(socket)
        assert bye is not None
        assert (bye["code"], code) == (4500, 4500)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer\t", "Basic b2xnYTp4", "Token x", "olga", "bearer:x"]
)
async def test_an_authorization_that_is_no_bearer_token_is_401(node: Node, header: str) -> None:
    await node.live()
    answer = await node.poll(headers={"Authorization": header})
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


async def test_two_authorizations_are_not_one_of_them(node: Node) -> None:
    await node.live()
    reader, writer = await node.raw(
        f"GET /v1/rooms/{ROOM}/state HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"Authorization: {auth('bob')['Authorization']}\r\nAuthorization: Bearer x\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ", 2)[1] in (b"400", b"401"), answer[:200]


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"exp": time.time() + 600.5},
        {"aud": "somebody", "iss": "someone"},
        {"iat": int(time.time()) + 600},
        {"roles": ["unknown-role"]},
        {"kind": "staff", "roles": ["operator"]},
        {"docs": "*"},
        {"docs": ["x-a", "x-b"]},
        {"sub": "A.b:c@d_-9"},
        {"nickname": "", "avatar": "a/b"},
    ],
    ids=str,
)
async def test_a_token_that_holds_gets_the_member_view(node: Node, claims: Any) -> None:
    await node.live()
    assert (await node.poll(user="bob")).json["view"] == "member"
    answer = await node.poll(headers=auth("bob", **claims))
    assert (answer.status, answer.json["view"]) == (200, "member")


async def test_the_scheme_is_read_in_any_case(node: Node) -> None:
    await node.live()
    answer = await node.poll(headers={"Authorization": f"bEARER {token()}"})
    assert answer.json["view"] == "member"


@pytest.mark.parametrize("name", ["token", "access_token", "bearer", "jwt", "authorization"])
async def test_a_token_in_the_query_is_not_read(node: Node, name: str) -> None:
    await node.live()
    query = f"?{name}={token()}"
    assert (await node.ask("GET", f"/v1/rooms/{ROOM}/state{query}")).json["view"] == "anonymous"
    answer = await node.ask("POST", f"/v1/rooms/{ROOM}/commands{query}", json={"cmd": "x"})
    assert answer.status == 401
    async with node.ws(f"/v1/rooms/{ROOM}/push{query}") as socket:
        assert (await greeted(socket))["view"] == "anonymous"


async def test_a_browser_brings_its_token_as_a_subprotocol(node: Node) -> None:
    await node.live()
    async with node.ws(protocols=("seatsync.v1", f"bearer.{token('bob')}")) as socket:
        assert socket.protocol == "seatsync.v1"
        assert (await greeted(socket))["view"] == "member"
    async with node.ws(protocols=("seatsync.v1", f"bearer.{BAD['expired']()}")) as socket:
        assert (await hear_close(socket))[1] == 4500


@pytest.mark.parametrize("bad", ["bearer.", "bearer.x", "bearer.a.b.c"])
async def test_a_bad_token_as_a_subprotocol_is_not_anonymous(node: Node, bad: str) -> None:
    await node.live()
    async with node.ws(protocols=("seatsync.v1", bad)) as socket:
        bye, code = await hear_close(socket)
        assert bye is not None
        assert (bye["code"], code) == (4500, 4500)


async def test_the_token_is_never_echoed_as_the_chosen_subprotocol(node: Node) -> None:
    await node.live()
    async with node.ws(protocols=(f"bearer.{token('bob')}",)) as socket:
        assert socket.protocol is None


@pytest.mark.parametrize("path", [f"/v1/rooms/{ROOM}/push", "/v1/push"])
async def test_a_socket_ends_with_its_token(node: Node, path: str) -> None:
    await node.live()
    headers = auth("bob", exp=time.time() + 0.3)
    async with node.ws(path, headers=headers) as socket:
        assert (await hear(socket))["type"] == "welcome"
        bye = await hear(socket, "bye")
        assert bye["code"] == 4500
        assert "retry_after_ms" not in bye
        assert (await hear_close(socket)) == (None, 4500)


async def test_an_event_stream_ends_with_its_token(node: Node) -> None:
    await node.live()
    headers = auth("bob", exp=time.time() + 0.3)
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/events", headers=headers)
    last = answer.body.decode().strip().rpartition("\n\n")[2]
    assert last.startswith("event: bye\ndata: ")
    assert json.loads(last.partition("data: ")[2])["code"] == 4500


async def test_a_far_deadline_is_no_overflow(node: Node) -> None:
    await node.live()
    for exp in (2**53, 10**18, 1e300):
        async with node.ws(headers=auth("bob", exp=exp)) as socket:
            assert (await greeted(socket))["view"] == "member"


async def test_a_token_held_before_is_refused_after_its_end(node: Node) -> None:
    await node.live()
    deadline = round(time.time() + 0.5, 2)  # the gateway's clock ticks in milliseconds
    headers = auth("bob", exp=deadline)
    assert (await node.poll(headers=headers)).status == 200
    while time.time() <= deadline + 0.01:
        await node.poll()
    assert (await node.poll(headers=headers)).code == "UNAUTHENTICATED"
