"""The addresses of players over real sockets: refusals, segments, what is handed in."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from players_kit import PATIENCE_S, injected_flv, on_both_loops, staged, tags_of, until

from sei.outputs.shelf import PLAYLIST


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return injected_flv(tmp_path_factory.mktemp("addresses"))


# Addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "kind"), [("flv", "video/x-flv"), ("mp4", "video/mp4")])
@on_both_loops
async def test_any_page_may_play_and_nobody_stores_a_live_stream(form: str, kind: str) -> None:
    async with staged() as stage, aiohttp.ClientSession(stage.address) as session:
        live = stage.add()
        async with session.get(f"/live/demo.{form}?token=1") as response:
            assert response.content_type == kind
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert response.headers["Cache-Control"] == "no-store"
            live.close()
            assert await response.read() == b""
        async with session.head(f"/live/demo.{form}") as response:
            assert (response.status, response.content_type) == (200, kind)
            assert live.player_count == 0


@on_both_loops
async def test_a_preflight_is_answered() -> None:
    async with staged() as stage, aiohttp.ClientSession(stage.address) as session:
        asked = {"Origin": "http://x", "Access-Control-Request-Headers": "range"}
        async with session.options("/live/demo.flv", headers=asked) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Headers"] == "*"
            assert "GET" in response.headers["Access-Control-Allow-Methods"]


@on_both_loops
async def test_refusals_are_problems_with_a_code() -> None:
    refused = {
        ("GET", "/live/none.flv"): (404, "NOT_FOUND"),
        ("GET", "/live/demo.avi"): (404, "NOT_FOUND"),
        ("GET", "/live/demo/9.ts"): (404, "NOT_FOUND"),
        ("GET", "/"): (404, "NOT_FOUND"),
        ("POST", "/live/demo.flv"): (405, "METHOD_NOT_ALLOWED"),
        ("GET", "/live/" + "x" * 20_000): (431, "TOO_LARGE"),
    }
    async with staged() as stage, aiohttp.ClientSession(stage.address) as session:
        stage.add()
        for (method, path), (status, code) in refused.items():
            async with session.request(method, path) as response:
                assert response.status == status
                assert response.content_type == "application/problem+json"
                assert response.headers["Access-Control-Allow-Origin"] == "*"
                told = await response.json(content_type=None)
            assert (told["status"], told["code"], told["retryable"]) == (status, code, False)


@on_both_loops
async def test_playlist_and_segments_come_over_one_connection() -> None:
    async with staged() as stage:
        stage.add()
        shelf = stage.streams["demo"].shelf
        assert shelf is not None
        segment = bytes(range(256)) * 4096
        shelf.put(PLAYLIST, b"#EXTM3U\n")
        shelf.put("1.ts", segment)
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        for path, field, status, expected in (
            ("/live/demo.m3u8", "X: y", 200, b"#EXTM3U\n"),
            ("/live/demo/1.ts", "X: y", 200, segment),
            ("/live/demo/2.ts", "X: y", 404, None),
            ("/live/demo/1.ts", "Range: bytes=256-511", 206, segment[:256]),
            ("/live/demo/1.ts", "Connection: close", 200, segment),
        ):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            assert head.startswith(f"HTTP/1.1 {status} ")
            size = int(head.partition("Content-Length: ")[2].partition("\r\n")[0])
            body = await reader.readexactly(size)
            assert expected in (body, None)
        assert await reader.read() == b""
        writer.close()


@on_both_loops
async def test_many_requests_at_once_are_answered_as_the_client_reads() -> None:
    async with staged() as stage:
        stage.add()
        shelf = stage.streams["demo"].shelf
        assert shelf is not None
        shelf.put("1.ts", bytes(2**20))
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port, limit=2**16)
        writer.write(b"GET /live/demo/1.ts HTTP/1.1\r\nHost: x\r\n\r\n" * 30)
        await until(lambda: stage.server._connections)
        (connection,) = stage.server._connections
        await until(lambda: connection._is_paused)
        assert connection._transport.get_write_buffer_size() < 2 * 2**20
        for _ in range(30):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            await reader.readexactly(2**20)
        writer.close()


@on_both_loops
async def test_a_slow_head_and_an_idle_connection_are_ended() -> None:
    async with staged(idle_s=0.2) as stage:
        for beginning in (b"", b"GET /live/demo.flv HTTP/1.1\r\nHost"):
            reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
            writer.write(beginning)
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""
            writer.close()


# Connections that are handed in ------------------------------------------------------------------


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> str:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    size = int(head.partition("Content-Length: ")[2].partition("\r\n")[0] or 0)
    await reader.readexactly(size)
    return head


@on_both_loops
async def test_a_connection_that_is_handed_in_plays(source: Path) -> None:
    tags = tags_of(source)
    async with staged() as stage:
        live = stage.add()
        live.publish(tags)
        reader, writer = await stage.handed_in()
        writer.write(b"GET /live/demo.flv HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert (await reader.readexactly(13)).startswith(b"FLV")
        live.close()
        assert await reader.read()
        writer.close()


@on_both_loops
async def test_a_later_request_for_another_workers_stream_is_sent_to_a_new_connection() -> None:
    async with staged() as stage:
        stage.add()
        reader, writer = await stage.handed_in()
        assert " 404 " in await ask(reader, writer, "/live/demo/1.ts")
        head = await ask(reader, writer, "/live/other.flv?x=1")
        assert head.startswith("HTTP/1.1 307 ")
        assert "Location: /live/other.flv?x=1\r\n" in head
        assert "Connection: close\r\n" in head
        assert await reader.read() == b""
        writer.close()


@on_both_loops
async def test_a_first_request_for_a_stream_that_is_not_here_is_to_come_again() -> None:
    async with staged() as stage:
        reader, writer = await stage.handed_in()
        head = await ask(reader, writer, "/live/demo.flv")
        assert head.startswith("HTTP/1.1 503 ")
        assert "Retry-After: 1\r\n" in head
        writer.close()


@on_both_loops
async def test_a_connection_that_was_gone_is_no_error() -> None:
    async with staged() as stage:
        ours, theirs = socket.socketpair()
        theirs.close()
        stage.server.adopt(ours)
        await until(lambda: not stage.server._beginning and not stage.server._connections)
