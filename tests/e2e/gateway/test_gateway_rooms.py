"""Rooms over HTTP: creation, owners, ids (PROTOCOL.md 1 and 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_kit import OWNER, ROOM, Node, auth, position

OPERATOR = {"roles": ["operator"], "kind": "staff"}


async def put(node: Node, wish: Any, user: str = OWNER, **claims: Any) -> Any:
    return await node.ask("PUT", f"/v1/rooms/{ROOM}", headers=auth(user, **claims), json=wish)


async def test_creating_a_room_commits_version_1_without_a_session(either: Node) -> None:
    created = await either.create()
    assert created.status == 201
    body = created.json
    assert (body["room"], body["changed"], body["version"]) == (ROOM, True, 1)
    snapshot = (await either.poll()).json
    assert position(snapshot) == position(body)
    assert (snapshot["session"], snapshot["seats"]) == (None, [])


async def test_creating_a_room_again_changes_nothing(either: Node) -> None:
    first = (await either.create()).json
    again = await either.create(user="somebody-else", seat_count=3, kind="video")
    assert again.status == 200
    assert again.json == {**first, "changed": False}
    await either.do(OWNER, "session.start")
    assert len((await either.poll()).json["seats"]) == 9


@pytest.mark.parametrize(
    ("wish", "seats"),
    [
        ({}, 9),
        ({"kind": "voice"}, 9),
        ({"kind": "video"}, 5),
        ({"seat_count": 1}, 1),
        ({"seat_count": 50}, 50),
        ({"unknown_field": {"is": "ignored"}}, 9),
    ],
)
async def test_what_the_room_is_created_with_is_what_its_sessions_have(
    node: Node, wish: dict[str, Any], seats: int
) -> None:
    assert (await put(node, wish)).status == 201
    await node.do(OWNER, "session.start")
    assert len((await node.poll()).json["seats"]) == seats


async def test_an_empty_body_creates_a_room(node: Node) -> None:
    answer = await node.ask("PUT", f"/v1/rooms/{ROOM}", user=OWNER)
    assert answer.status == 201


async def test_the_caller_becomes_the_owner(node: Node) -> None:
    await node.live()
    assert (await node.poll(user="bob")).json["session"]["owner_id"] == OWNER


@pytest.mark.parametrize(
    ("user", "claims", "wish", "status", "code"),
    [
        (OWNER, {}, {"owner_id": OWNER}, 201, None),
        (OWNER, {}, {"owner_id": "bob"}, 403, "FORBIDDEN"),
        ("ops", OPERATOR, {"owner_id": "bob"}, 201, None),
        ("ops", OPERATOR, {}, 400, "INVALID_ARGUMENT"),
        ("rev", {"roles": ["reviewer"], "kind": "staff"}, {"owner_id": "bob"}, 403, "FORBIDDEN"),
        ("svc", {"kind": "service"}, {}, 403, "FORBIDDEN"),
    ],
)
async def test_another_owner_takes_an_operator_who_must_name_one(
    node: Node, user: str, claims: Any, wish: Any, status: int, code: str | None
) -> None:
    answer = await put(node, wish, user, **claims)
    assert answer.status == status
    assert code is None or answer.code == code


async def test_a_room_is_not_created_without_a_token(node: Node) -> None:
    answer = await node.ask("PUT", f"/v1/rooms/{ROOM}", json={})
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")
    assert (await node.poll()).status == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "MALFORMED"),
        (b"\xff", "MALFORMED"),
        (b'{"note":"\xc3\x28"}', "MALFORMED"),
        (b"[" * 30_000, "MALFORMED"),
        (b"[]", "INVALID_ARGUMENT"),
        (b"null", "INVALID_ARGUMENT"),
        (b'{"kind":"opera"}', "INVALID_ARGUMENT"),
        (b'{"seat_count":0}', "INVALID_ARGUMENT"),
        (b'{"seat_count":51}', "INVALID_ARGUMENT"),
        (b'{"seat_count":true}', "INVALID_ARGUMENT"),
        (b'{"seat_count":"9"}', "INVALID_ARGUMENT"),
        (b'{"seat_count":1e400}', "INVALID_ARGUMENT"),
        (b'{"seat_mode":"open"}', "INVALID_ARGUMENT"),
        (b'{"owner_id":""}', "INVALID_ARGUMENT"),
        (b'{"owner_id":"a b"}', "INVALID_ARGUMENT"),
        (b'{"owner_id":"bob\\n"}', "INVALID_ARGUMENT"),
    ],
)
async def test_a_bad_body_creates_nothing(node: Node, body: bytes, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await node.ask("PUT", f"/v1/rooms/{ROOM}", user=OWNER, data=body, headers=headers)
    assert (answer.status, answer.code) == (400, code)
    assert (await node.poll()).status == 404


BAD_IDS = [
    "a%2Fb",
    "%2F",
    "..%2F..%2Fetc",
    "%2e%2e",
    "..",
    ".",
    "a%00b",
    "%00",
    "a%0D%0Ab",
    "a%0d%0aSet-Cookie:x=1",
    "a%20b",
    "a.b",
    "a:b",
    "a%25b",
    "r%C3%BCm",
    "%E2%80%8B",
    "%FF",
    "%ED%A0%80",
    "a" * 65,
    "a" * 7000,
    "%EF%BD%81",
    "{room}",
]
REQUESTS = [
    ("PUT", "/v1/rooms/{id}"),
    ("GET", "/v1/rooms/{id}/state"),
    ("POST", "/v1/rooms/{id}/commands"),
    ("GET", "/v1/rooms/{id}/events"),
    ("GET", "/v1/rooms/{id}/push"),
    ("GET", "/v1/rooms/{id}/media"),
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=lambda bad: bad[:24])
async def test_an_id_that_is_none_is_refused_on_every_path(
    node: Node, bad: str, caplog: pytest.LogCaptureFixture
) -> None:
    bearer = auth(OWNER)["Authorization"]
    body = json.dumps({"cmd": "session.start", "cmd_id": "x"})
    for method, path in REQUESTS:
        target = path.replace("{id}", bad)
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n\r\n{body}"
        )
        reader, writer = await node.raw(head.encode())
        answer = await reader.read()
        writer.close()
        status = int(answer.split(b" ", 2)[1])
        assert status in (400, 404, 405, 426), (method, target[:80], answer[:200])
        problem = json.loads(answer.partition(b"\r\n\r\n")[2])
        codes = {
            "INVALID_ARGUMENT",
            "NOT_FOUND",
            "METHOD_NOT_ALLOWED",
            "DOC_NOT_FOUND",
            "UPGRADE_REQUIRED",
        }
        assert problem["code"] in codes, (method, target[:80])
        assert bad not in answer.decode() or len(bad) < 3
    assert (await node.ask("GET", "/livez")).status == 200
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_a_longest_id_is_a_room(node: Node) -> None:
    room = "Az09_-" + "x" * 58
    assert (await node.create(room)).status == 201
    assert (await node.poll(room)).json["room"] == room


async def test_an_id_is_judged_by_its_decoded_value(node: Node) -> None:
    await node.create("abc")
    assert (await node.ask("GET", "/v1/rooms/%61bc/state")).json["room"] == "abc"


async def test_ids_differ_by_case(node: Node) -> None:
    await node.create("abc")
    assert (await node.poll("ABC")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1", 404, "NOT_FOUND"),
        ("GET", "/v1/rooms", 404, "NOT_FOUND"),
        ("GET", "/metrics", 404, "NOT_FOUND"),
        ("GET", "/debug", 404, "NOT_FOUND"),
        ("GET", "//livez", 404, "NOT_FOUND"),
        ("DELETE", f"/v1/rooms/{ROOM}", 405, "METHOD_NOT_ALLOWED"),
        ("GET", f"/v1/rooms/{ROOM}", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/livez", 405, "METHOD_NOT_ALLOWED"),
        ("POST", f"/v1/rooms/{ROOM}/state", 405, "METHOD_NOT_ALLOWED"),
        ("POST", f"/v1/rooms/{ROOM}/push", 405, "METHOD_NOT_ALLOWED"),
        ("PUT", f"/v1/rooms/{ROOM}/state", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_what_is_no_part_of_the_protocol_is_a_problem_too(
    node: Node, method: str, path: str, status: int, code: str
) -> None:
    await node.create()
    answer = await node.ask(method, path, user=OWNER)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_method_that_is_not_allowed_names_those_that_are(node: Node) -> None:
    """RFC 9110 15.5.6: a 405 carries ``Allow``."""
    answer = await node.ask("DELETE", "/livez")
    assert answer.status == 405
    assert "GET" in answer.headers.get("Allow", "")


async def test_media_comes_from_the_configuration(node: Node) -> None:
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/media")
    assert (answer.status, answer.code) == (404, "DOC_NOT_FOUND")


async def test_an_answer_names_no_version_of_the_server(node: Node) -> None:
    for answer in (await node.ask("GET", "/livez"), await node.ask("GET", "/nowhere")):
        assert "aiohttp" not in answer.headers["Server"].lower()
        assert "python" not in answer.headers["Server"].lower()
