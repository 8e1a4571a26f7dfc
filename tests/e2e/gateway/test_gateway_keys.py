"""The public keys of streams at their well-known address (SEI.md 1)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from gateway_kit import Node, running_node

from gateway.keys import KeyFile
from gateway.server import clock_ms
from sei.wire.keys import PublicKey, public_part, write_key_set
from store.memory import MemoryStore

PATH = "/.well-known/seatsync-keys.json"
ONE = PublicKey("one", b"\x02" * 32)
TWO = PublicKey("two", b"\x03" * 32)
FOREIGN = "https://evil.example"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "keys.json"
    replace(target, write_key_set([ONE]))
    return target


@pytest.fixture
async def keyed(path: Path) -> AsyncIterator[Node]:
    settings = {"sei_keys": KeyFile(path, public_part), "origins": ("https://rooms.example",)}
    async with running_node(MemoryStore(clock_ms), **settings) as node:
        yield node


def replace(path: Path, body: bytes) -> None:
    beside = path.with_suffix(".new")
    beside.write_bytes(body)
    os.replace(beside, path)


async def test_the_keys_are_a_jwk_set_that_may_be_kept_for_five_minutes(keyed: Node) -> None:
    answer = await keyed.ask("GET", PATH)
    assert (answer.status, answer.body) == (200, write_key_set([ONE]))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("held", ["{}", "W/{}", '"other", {}', "*"])
async def test_who_holds_them_gets_304(keyed: Node, held: str) -> None:
    etag = (await keyed.ask("GET", PATH)).headers["ETag"]
    answer = await keyed.ask("GET", PATH, headers={"If-None-Match": held.format(etag)})
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    other = await keyed.ask("GET", PATH, headers={"If-None-Match": '"other"'})
    assert other.status == 200


async def test_head_says_the_same_without_the_body(keyed: Node) -> None:
    got, asked = await keyed.ask("GET", PATH), await keyed.ask("HEAD", PATH)
    assert (asked.status, asked.body) == (200, b"")
    for name in ("ETag", "Cache-Control", "Content-Type", "Content-Length"):
        assert asked.headers[name] == got.headers[name]


@pytest.mark.parametrize("origin", [None, FOREIGN, "null", "*", "https://rooms.example"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_pages_of_every_origin_may_read_them(
    keyed: Node, method: str, origin: str | None
) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answer = await keyed.ask(method, PATH, headers=headers)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in answer.headers  # one answer for all caches


async def test_a_foreign_page_may_ask_with_a_condition(keyed: Node) -> None:
    headers = {
        "Origin": FOREIGN,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    answer = await keyed.ask("OPTIONS", PATH, headers=headers)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "If-None-Match" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("origin", [FOREIGN, "*"])
@pytest.mark.parametrize("other", ["/livez", PATH + "/", "/v1/rooms/r1/state"])
async def test_no_other_path_is_opened_by_it(keyed: Node, other: str, origin: str) -> None:
    answer = await keyed.ask("GET", other, headers={"Origin": origin})
    assert (answer.status, answer.code) == (403, "FORBIDDEN")


async def test_other_methods_do_nothing_there(keyed: Node) -> None:
    for method in ("PUT", "POST", "DELETE"):
        answer = await keyed.ask(method, PATH)
        assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")


async def test_without_keys_there_is_nothing(node: Node) -> None:
    answer = await node.ask("GET", PATH)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_rotation_needs_no_restart(keyed: Node, path: Path) -> None:
    replace(path, write_key_set([ONE, TWO]))
    assert (await keyed.ask("GET", PATH)).body == write_key_set([ONE, TWO])
    replace(path, b"broken")
    assert (await keyed.ask("GET", PATH)).body == write_key_set([ONE, TWO])
    replace(path, write_key_set([TWO]))
    assert (await keyed.ask("GET", PATH)).body == write_key_set([TWO])


async def test_serve_publishes_the_file_and_survives_sighup(start: Any, path: Path) -> None:
    arguments = ("--listen", "127.0.0.1:0", "--store", "memory:", "--sei-keys", str(path))
    program = await start("serve", *arguments)
    url = await program.find(r"serving (http://\S+)")
    async with aiohttp.ClientSession() as session, asyncio.timeout(10):
        replace(path, b"broken")
        program.child.send_signal(signal.SIGHUP)
        while "the keys before it stay" not in program.log.read_text():
            async with session.get(url + PATH) as answer:
                assert await answer.read() == write_key_set([ONE])
    assert '"code": "MALFORMED"' in program.log.read_text()
    program.terminate()
    assert await program.ended() == 0


def test_serve_does_not_start_with_a_private_key(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secret = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    path.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "d": secret}]}))
    result = run("serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--sei-keys", str(path))
    assert (result.status, result.output) == (2, "")
    assert "private" in result.complaint
    assert secret not in result.errors
