"""Documents beside ``state``: set by services, polled by all who may (PROTOCOL.md 1, 3, 4)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from gateway_kit import OWNER, ROOM, Answer, Node, auth

SERVICE = {"kind": "service", "docs": ["x-score"]}
PATH = f"/v1/rooms/{ROOM}/x-score"


async def put(
    node: Node,
    value: Any,
    *,
    path: str = PATH,
    claims: Any = None,
    headers: Any = None,
    **more: Any,
) -> Answer:
    signed = {**auth("score", **(SERVICE if claims is None else claims)), **(headers or {})}
    if "data" not in more:
        more["json"] = value
    return await node.ask("PUT", path, headers=signed, **more)


async def test_a_service_sets_its_document_and_everybody_reads_it(either: Node) -> None:
    state = await either.live()
    answer = await put(either, {"red": 1, "blue": [2, None]})
    assert answer.status == 200
    assert answer.json == {"changed": True, "epoch": int(state.split(".")[0]), "version": 1}
    for user in (None, "bob", OWNER):
        polled = await either.ask("GET", PATH, user=user)
        assert polled.status == 200
        assert list(polled.json) == [
            *("type", "doc", "schema", "view", "room", "epoch", "version", "ts", "data")
        ]
        assert (polled.json["doc"], polled.json["data"]) == (
            "x-score",
            {"red": 1, "blue": [2, None]},
        )


async def test_each_change_raises_the_version_by_one_and_the_same_value_does_not(
    either: Node,
) -> None:
    await either.create()
    versions = []
    for text in (
        '{"a":1,"b":2}',
        '{"b":2,"a":1}',
        ' {"a" : 1.0, "b":2}',
        '{"a":2}',
        '{"a":1,"b":2}',
    ):
        headers = {"Content-Type": "application/json"}
        answer = (await put(either, None, data=text, headers=headers)).json
        versions.append((answer["changed"], answer["version"]))
    assert versions == [(True, 1), (False, 1), (False, 1), (True, 2), (True, 3)]


async def test_a_document_is_polled_conditionally_as_the_state_is(node: Node) -> None:
    await node.create()
    assert (await put(node, {"a": "x" * 500})).status == 200
    first = await node.ask("GET", PATH)
    tag = first.headers["ETag"]
    assert tag == f'"{first.json["epoch"]}.{first.json["version"]}"'
    assert first.headers["Repr-Digest"].startswith("sha-256=:")
    assert first.headers["Vary"].startswith("Authorization, Accept-Encoding")
    for condition in (tag, f"W/{tag}", "*", f'"x", {tag}'):
        held = await node.ask("GET", PATH, headers={"If-None-Match": condition})
        assert (held.status, held.body, held.headers["ETag"]) == (304, b"", tag)
    zipped = await node.ask("GET", PATH, headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["ETag"] == f'{tag[:-1]}.gz"'
    assert gzip.decompress(zipped.body) == first.body
    after = tag.strip('"')
    assert (await node.ask("GET", f"{PATH}?after={after}")).status == 204
    await put(node, {"a": "y"})
    assert (await node.ask("GET", f"{PATH}?after={after}")).json["data"] == {"a": "y"}
    head = await node.ask("HEAD", PATH)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["ETag"] != tag


async def test_a_poll_after_the_answer_shows_it(either: Node) -> None:
    await either.create()
    assert (await either.ask("GET", PATH)).code == "DOC_NOT_FOUND"
    for number in range(5):
        await put(either, {"n": number})
        assert (await either.ask("GET", PATH)).json["data"] == {"n": number}


@pytest.mark.parametrize("form", ['"{}"', '"{}-m"', '"{}.gz"', '"{}-m.gz"', '"1.1", "{}"', "*"])
async def test_a_document_is_set_where_it_still_stands(either: Node, form: str) -> None:
    await either.create()
    first = (await put(either, {"a": 1})).json
    position = f"{first['epoch']}.{first['version']}"
    answer = await put(either, {"a": 2}, headers={"If-Match": form.format(position)})
    assert (answer.status, answer.json["version"]) == (200, 2)


@pytest.mark.parametrize("form", ['W/"{}"', '"{}x"', '"1.1"', '"{}-m", W/"{}"', '""', ""])
async def test_a_document_that_stands_elsewhere_is_not_set(either: Node, form: str) -> None:
    await either.create()
    await put(either, {"a": 0})
    first = (await put(either, {"a": 1})).json
    position = f"{first['epoch']}.{first['version'] - 1}"
    if not form.startswith('"{}-m"'):
        position = f"{first['epoch']}.{first['version']}"
    answer = await put(either, {"a": 2}, headers={"If-Match": form.format(position, position)})
    assert (answer.status, answer.code) == (412, "VERSION_MISMATCH")
    assert (await either.ask("GET", PATH)).json["data"] == {"a": 1}


async def test_a_document_that_is_not_there_fulfils_no_condition(either: Node) -> None:
    await either.create()
    for condition in ("*", '"1.1"'):
        answer = await put(either, {"a": 1}, headers={"If-Match": condition})
        assert (answer.status, answer.code) == (412, "VERSION_MISMATCH")
    assert (await either.ask("GET", PATH)).status == 404


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": "1.1"}, {"If-Match": '"1.1'}, {"If-Match": '*, "1.1"'}, {"If-None-Match": "*"}],
    ids=str,
)
async def test_a_condition_that_is_not_understood_is_never_passed_over(
    node: Node, headers: dict[str, str]
) -> None:
    await node.create()
    answer = await put(node, {"a": 1}, headers=headers)
    assert (answer.status, answer.code) == (400, "INVALID_ARGUMENT")
    assert (await node.ask("GET", PATH)).status == 404


@pytest.mark.parametrize(
    ("claims", "path", "allowed"),
    [
        (SERVICE, PATH, True),
        ({"kind": "service", "docs": "*"}, PATH, True),
        ({"kind": "service", "docs": "x-score"}, PATH, True),
        (SERVICE, f"/v1/rooms/{ROOM}/x-other", False),
        ({"kind": "service"}, PATH, False),
        ({"kind": "service", "docs": ["x-"]}, PATH, False),
        ({"kind": "member", "docs": ["x-score"]}, PATH, False),
        ({"docs": "*"}, PATH, False),
        ({"kind": "staff", "roles": ["operator"], "docs": "*"}, PATH, False),
    ],
    ids=str,
)
async def test_a_document_is_its_services_alone(
    node: Node, claims: Any, path: str, allowed: bool
) -> None:
    await node.create()
    answer = await put(node, {"a": 1}, path=path, claims=claims)
    if allowed:
        assert answer.status == 200
    else:
        assert (answer.status, answer.code) == (403, "FORBIDDEN")
        assert (await node.ask("GET", path)).status == 404


async def test_a_document_is_not_set_without_a_token(node: Node) -> None:
    await node.create()
    answer = await node.ask("PUT", PATH, json={"a": 1})
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


async def test_a_room_that_is_not_there_has_no_documents(either: Node) -> None:
    answer = await put(either, {"a": 1})
    assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")
    assert (await either.ask("GET", PATH)).code == "ROOM_NOT_FOUND"


@pytest.mark.parametrize("name", ["x-", "x-A", "x-a_b", "x-" + "a" * 33, "x-a.b", "x-%C3%BC"])
async def test_a_name_that_is_none_is_no_document(node: Node, name: str) -> None:
    await node.create()
    claims = {"kind": "service", "docs": "*"}
    for answer in (
        await put(node, {"a": 1}, path=f"/v1/rooms/{ROOM}/{name}", claims=claims),
        await node.ask("GET", f"/v1/rooms/{ROOM}/{name}"),
    ):
        assert (answer.status, answer.code) == (404, "DOC_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "MALFORMED"),
        (b"{", 400, "MALFORMED"),
        (b"\xff", 400, "MALFORMED"),
        (b'{"a":NaN}', 400, "MALFORMED"),
        (b"[]", 400, "INVALID_ARGUMENT"),
        (b"null", 400, "INVALID_ARGUMENT"),
        (b'"x"', 400, "INVALID_ARGUMENT"),
        (b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}", 400, "INVALID_ARGUMENT"),
        (b'{"a":"' + b"x" * 65536 + b'"}', 413, "TOO_LARGE"),
    ],
    ids=lambda value: value[:12] if isinstance(value, bytes) else str(value),
)
async def test_a_body_that_is_no_small_object_sets_nothing(
    node: Node, body: bytes, status: int, code: str
) -> None:
    await node.create()
    answer = await put(node, None, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (status, code)
    assert (await node.ask("GET", PATH)).status == 404


async def test_a_body_of_64_kb_is_taken_whole(either: Node) -> None:
    await either.create()
    text = json.dumps({"a": "x" * (65536 - 9)}).encode()
    assert len(text) == 65536
    answer = await put(either, None, data=text, headers={"Content-Type": "application/json"})
    assert answer.status == 200
    assert len((await either.ask("GET", PATH)).json["data"]["a"]) == 65536 - 9


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
    ids=str,
)
async def test_a_body_of_another_kind_is_415(node: Node, headers: dict[str, str]) -> None:
    await node.create()
    answer = await put(node, None, data=b'{"a":1}', headers=headers)
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_ENCODING")


async def test_requests_are_read_by_owner_and_admins_alone(either: Node) -> None:
    await either.live(seat_mode="apply")
    await either.do(OWNER, "role.grant", user_id="adam", role="admin")
    await either.do("bob", "request.apply")
    path = f"/v1/rooms/{ROOM}/requests"
    for user in (OWNER, "adam"):
        answer = await either.ask("GET", path, user=user)
        assert answer.status == 200
        assert (answer.json["doc"], answer.json["total"]) == ("requests", 1)
        assert answer.json["items"][0]["user"]["user_id"] == "bob"
        assert answer.headers["ETag"].endswith('-m"')
        assert answer.headers["Cache-Control"] == "private, no-cache"
    for headers in (
        {},
        auth("bob"),
        auth("ops", kind="staff", roles=["operator"]),
        auth(OWNER, kind="service"),
    ):
        refused = await either.ask("GET", path, headers=headers)
        assert (refused.status, refused.code) == (403, "FORBIDDEN")


@pytest.mark.parametrize("doc", ["play", "x-none", "nonsense", "State"])
async def test_a_document_that_is_not_there_is_404(node: Node, doc: str) -> None:
    await node.create()
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/{doc}", user=OWNER)
    assert (answer.status, answer.code) == (404, "DOC_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "x-score", {"GET", "HEAD", "PUT"}),
        ("POST", "x-score", {"GET", "HEAD", "PUT"}),
        ("PATCH", "x-score", {"GET", "HEAD", "PUT"}),
        ("PUT", "state", {"GET", "HEAD"}),
        ("PUT", "requests", {"GET", "HEAD"}),
        ("PUT", "entry", {"GET", "HEAD"}),
        ("POST", "entry", {"GET", "HEAD"}),
        ("GET", "commands", {"POST"}),
        ("HEAD", "events", {"GET"}),
    ],
)
async def test_a_method_of_another_path_names_those_of_this_one(
    node: Node, method: str, path: str, allowed: set[str]
) -> None:
    await node.create()
    answer = await node.ask(method, f"/v1/rooms/{ROOM}/{path}", user=OWNER)
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("path", ["state", "x-score", "entry", "events"])
async def test_a_reader_who_is_too_old_is_told_so(node: Node, path: str) -> None:
    await node.create()
    old = await node.ask("GET", f"/v1/rooms/{ROOM}/{path}?schema=0")
    assert (old.status, old.code, old.headers["Upgrade"]) == (426, "UPGRADE_REQUIRED", "websocket")
    for garbage in ("", "x", "-1", "1.0", "9" * 10):
        answer = await node.ask("GET", f"/v1/rooms/{ROOM}/{path}?schema={garbage}")
        assert (answer.status, answer.code) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("schema", [1, 2, 999])
async def test_a_reader_of_a_later_schema_is_served_this_one(node: Node, schema: int) -> None:
    await node.create()
    answer = await node.ask("GET", f"/v1/rooms/{ROOM}/state?schema={schema}")
    assert (answer.status, answer.json["schema"]) == (200, 1)
