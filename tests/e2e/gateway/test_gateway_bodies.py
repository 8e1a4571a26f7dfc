"""Bodies that are no command: too large, coded, broken (PROTOCOL.md 3 and 5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_kit import ROOM, Answer, Node, greeted, hear, position

BOB, CAROL = "bob", "carol"


async def post_bytes(node: Node, body: bytes, **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    names = {"Content-Type": "application/json", **names}
    return await node.ask("POST", f"/v1/rooms/{ROOM}/commands", user=BOB, data=body, headers=names)


TAKE = {"cmd": "seat.take", "cmd_id": "t1", "args": {"seat_index": 3}}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "MALFORMED"),
        (b"{", 400, "MALFORMED"),
        (b"nonsense", 400, "MALFORMED"),
        (json.dumps(TAKE).encode() + b"x", 400, "MALFORMED"),
        (b"\xef\xbb\xbf" + json.dumps(TAKE).encode(), 400, "MALFORMED"),
        (json.dumps(TAKE).encode().replace(b"t1", b"\xff\xfe"), 400, "MALFORMED"),
        (json.dumps(TAKE).encode().replace(b"t1", b"\\ud800"), 400, "MALFORMED"),
        (b'{"cmd":"seat.take","cmd_id":"t1","args":' + b"[" * 20_000, 400, "MALFORMED"),
        (b'{"cmd":"seat.take","cmd_id":"t1","args":{"seat_index":NaN}}', 400, "MALFORMED"),
        (b"[]", 400, "INVALID_ARGUMENT"),
        (b"null", 400, "INVALID_ARGUMENT"),
        (b"7", 400, "INVALID_ARGUMENT"),
        (b'"seat.take"', 400, "INVALID_ARGUMENT"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_body_that_is_no_command(node: Node, body: bytes, status: int, code: str) -> None:
    before = await node.live()
    answer = await post_bytes(node, body)
    assert (answer.status, answer.code) == (status, code)
    assert position((await node.poll()).json) == before
    assert (await post_bytes(node, json.dumps(TAKE).encode())).status == 200


def padded(size_bytes: int) -> bytes:
    bare = json.dumps({**TAKE, "note": ""}).encode()
    return bare.replace(b'"note": ""', b'"note": "%s"' % (b"x" * (size_bytes - len(bare))))


async def test_a_body_of_64_kb_is_taken_and_one_byte_more_is_too_large(node: Node) -> None:
    await node.live()
    assert len(padded(65536)) == 65536
    assert (await post_bytes(node, padded(65536))).status == 200
    answer = await post_bytes(node, padded(65537))
    assert (answer.status, answer.code) == (413, "TOO_LARGE")


async def test_a_body_sent_in_chunks_has_the_same_limit(node: Node) -> None:
    await node.live()

    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 4096

    answer = await node.ask(
        "POST",
        f"/v1/rooms/{ROOM}/commands",
        user=BOB,
        data=chunks(),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert (await post_bytes(node, json.dumps(TAKE).encode())).status == 200


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "gzip, identity", "x"])
async def test_a_coded_body_is_refused(node: Node, coding: str) -> None:
    await node.live()
    answer = await post_bytes(node, json.dumps(TAKE).encode(), Content_Encoding=coding)
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_ENCODING")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/html"])
async def test_only_json_is_taken(node: Node, kind: str) -> None:
    await node.live()
    answer = await post_bytes(node, json.dumps(TAKE).encode(), Content_Type=kind)
    assert answer.status == 415


async def test_a_long_json_number_costs_nobody_anything(node: Node) -> None:
    await node.live()
    digits = b"9" * 60_000
    body = json.dumps(TAKE).encode().replace(b"3", digits)
    answer = await post_bytes(node, body)
    assert answer.status == 400
    assert (await node.poll()).status == 200


async def test_others_see_nothing_of_broken_requests(node: Node) -> None:
    before = await node.live()
    async with node.ws(user=CAROL) as watcher:
        assert position(await greeted(watcher)) == before
        for body in (b"{", b"[]", b"\xff", padded(65537)):
            assert (await post_bytes(node, body)).status in (400, 413)
        after = position(await node.do(BOB, "seat.take", seat_index=3))
        assert position(await hear(watcher)) == after
