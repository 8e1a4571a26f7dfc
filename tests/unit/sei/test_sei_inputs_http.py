from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
from aiohttp import web
from sei_flv_tags import picture, sound, stream

from sei.errors import BadMedia, SourceFailed
from sei.inputs.address import parse_address
from sei.inputs.http import HttpSource
from sei.inputs.http_answer import MAX_HEAD_BYTES, READ_AHEAD_BYTES, HttpAnswer

FLV = stream(sound(0), *(picture(n * 40) for n in range(20)))
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    """Serve every path with one handler on loopback; give the address."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_get("/{tail:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def source(url: str, *redirects: str, stall_s: float = 5) -> HttpSource:
    return HttpSource(parse_address(url), redirects=redirects, stall_timeout_s=stall_s)


async def read(made: HttpSource) -> tuple[str, bytes]:
    async with made.open() as opened:
        return opened.container, b"".join([chunk async for chunk in opened.chunks])


async def answer(
    request: web.Request, *chunks: bytes, content_type: str = "video/x-flv"
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    for chunk in chunks:
        await response.write(chunk)
    return response


async def test_a_stream_comes_whole_and_says_what_it_is() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.headers["Accept-Encoding"] == "identity"
        return await answer(request, FLV[:3], FLV[3:100], FLV[100:])

    async with served(handler) as url:
        assert await read(source(f"{url}/live/a.flv")) == ("flv", FLV)
        assert await read(source(f"{url}/live/a.flv")) == ("flv", FLV)


@pytest.mark.parametrize(
    ("head", "content_type", "container"),
    [
        (b"G" + bytes(187) + b"G" + bytes(187), "", "mpegts"),
        (b"\x00\x00\x00\x18ftypisom", "", "mp4"),
        (b"\x1a\x45\xdf\xa3x", "", "matroska"),
        (b"\x00\x00\x01\x09", "video/mp2t; x=y", "mpegts"),
        (b"\x00\x00\x01\x09", "application/octet-stream", "unknown"),
        (b"FLV\x01", "video/mp2t", "flv"),
    ],
)
async def test_the_first_bytes_tell_the_container(
    head: bytes, content_type: str, container: str
) -> None:
    async with served(lambda request: answer(request, head, content_type=content_type)) as url:
        assert await read(source(f"{url}/a")) == (container, head)


@pytest.mark.parametrize(
    ("status", "body", "content_type", "error"),
    [
        (404, b"", "video/x-flv", SourceFailed),
        (503, b"", "video/x-flv", SourceFailed),
        (204, b"", "video/x-flv", SourceFailed),
        (200, b"<!doctype html>", "text/html", SourceFailed),
        (200, b"\n <html>", "video/x-flv", SourceFailed),
        (200, b'{"a":1}', "application/json", SourceFailed),
        (200, b"", "video/x-flv", SourceFailed),
        (200, b"#EXTM3U\n", "video/x-flv", BadMedia),
    ],
)
async def test_an_answer_that_is_no_stream_is_a_clear_error(
    status: int, body: bytes, content_type: str, error: type[Exception]
) -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, content_type=content_type)

    async with served(handler) as url:
        with pytest.raises(error):
            await read(source(f"{url}/a.flv"))


async def test_a_redirect_on_its_own_host_is_followed() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/a.flv":
            raise web.HTTPFound("/b.flv")
        return await answer(request, FLV)

    async with served(handler) as url:
        assert await read(source(f"{url}/a.flv")) == ("flv", FLV)


@pytest.mark.parametrize("allowed", [("localhost",), ()])
async def test_another_host_must_be_named(allowed: tuple[str, ...]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/a.flv":
            port = request.url.port
            raise web.HTTPTemporaryRedirect(f"http://localhost:{port}/b.flv")
        return await answer(request, FLV)

    async with served(handler) as url:
        if allowed:
            assert await read(source(f"{url}/a.flv", *allowed)) == ("flv", FLV)
        else:
            with pytest.raises(BadMedia, match="localhost"):
                await read(source(f"{url}/a.flv"))


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/a", "", "/a.flv"])
async def test_a_redirect_to_a_file_or_in_circles_is_refused(to: str) -> None:
    asked = 0

    async def handler(_request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=302, headers={"Location": to})

    async with served(handler) as url:
        with pytest.raises(BadMedia):
            await read(source(f"{url}/a.flv"))
    assert asked <= 4


async def test_silence_is_a_failure_and_what_came_before_is_given() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await answer(request, FLV)
        return await asyncio.get_running_loop().create_future()

    got = b""
    async with served(handler) as url:
        with pytest.raises(SourceFailed, match="silent"):  # noqa: PT012 — it fails while it is read
            async with source(f"{url}/a.flv", stall_s=0.2).open() as opened:
                async for chunk in opened.chunks:
                    got += chunk
    assert got == FLV


async def test_no_answer_in_time_is_a_failure() -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return await asyncio.get_running_loop().create_future()

    async with served(handler) as url:
        with pytest.raises(SourceFailed, match="silent"):
            await read(source(f"{url}/a.flv", stall_s=0.2))


@asynccontextmanager
async def raw(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answer every request with these bytes and the end; give the address and the requests."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_a_body_may_end_with_its_connection(head: bytes) -> None:
    async with raw(head + FLV) as (place, _):
        assert await read(source(f"http://{place}/a.flv")) == ("flv", FLV)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"FLV\x01",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nFLV\x01\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nFLV\x01\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nFLV\x01",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nFLV\x01",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
async def test_broken_http_is_a_failure(answer: bytes) -> None:
    async with raw(answer) as (place, _):
        with pytest.raises(SourceFailed):
            await read(source(f"http://{place}/a.flv"))


async def test_credentials_go_into_a_header_and_the_query_as_it_is() -> None:
    async with raw(b"HTTP/1.1 200 OK\r\n\r\n" + FLV) as (place, asked):
        await read(source(f"http://user:pass%40word@{place}/ü a.flv?sign=a%2Fb+c".replace(" ", "")))
    lines = asked[0].split(b"\r\n")
    assert lines[0] == b"GET /%C3%BCa.flv?sign=a%2Fb+c HTTP/1.1"
    assert lines[1] == b"Host: " + place.encode()
    assert b"Authorization: Basic dXNlcjpwYXNzQHdvcmQ=" in lines


async def test_a_connection_that_breaks_off_is_a_failure() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(FLV)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with served(handler) as url:
        with pytest.raises(SourceFailed):
            await read(source(f"{url}/a.flv"))


async def test_nobody_there_is_a_failure_that_shows_no_secret() -> None:
    async with served(lambda request: answer(request, FLV)) as url:
        port = url.rpartition(":")[2]
    with pytest.raises(SourceFailed) as caught:
        await read(source(f"http://user:secret@127.0.0.1:{port}/a.flv?token=secret"))
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


class Transport:
    """Remembers what was asked of it."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def write(self, _content: bytes) -> None:
        self.said.append("write")

    def pause_reading(self) -> None:
        self.said.append("pause")

    def resume_reading(self) -> None:
        self.said.append("resume")

    def abort(self) -> None:
        self.said.append("abort")


def connected(stall_s: float = 10) -> tuple[HttpAnswer, Transport]:
    answer, transport = HttpAnswer(b"GET", stall_s), Transport()
    answer.connection_made(cast("asyncio.Transport", transport))
    answer.data_received(b"HTTP/1.1 200 OK\r\n\r\n")
    return answer, transport


async def test_what_nobody_reads_makes_the_peer_wait() -> None:
    answer, transport = connected()
    for _ in range(4):
        answer.data_received(bytes(READ_AHEAD_BYTES // 2))
    assert transport.said == ["write", "pause"]
    chunks = answer.chunks()
    assert len(await anext(chunks)) == READ_AHEAD_BYTES * 2
    assert transport.said == ["write", "pause", "resume"]
    await chunks.aclose()
    answer.close()


@pytest.mark.parametrize(
    "frame",
    [b"0\r\n" + b"X: y\r\n" * 10, b"0\r\nX: " + b"y" * 60, b"1;" + b"x" * 60],
    ids=["trailers", "one trailer", "an extension of a chunk"],
)
async def test_what_frames_the_body_has_a_bound_too(frame: bytes) -> None:
    answer, transport = HttpAnswer(b"GET", 10), Transport()
    answer.connection_made(cast("asyncio.Transport", transport))
    answer.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nFLV\r\n")
    answer.data_received(frame)
    for _ in range(MAX_HEAD_BYTES // 60 + 1):
        answer.data_received(b"X: y\r\n" * 10 if frame.endswith(b"\n") else b"y" * 60)
    assert transport.said == ["write", "abort"]
    assert "x" not in answer.headers
    chunks = answer.chunks()
    assert await anext(chunks) == b"FLV"
    with pytest.raises(SourceFailed, match="endless"):
        await anext(chunks)
    answer.close()


async def test_who_reads_slowly_does_not_make_the_peer_silent() -> None:
    answer, transport = connected(stall_s=0.01)
    answer.data_received(bytes(READ_AHEAD_BYTES * 2))
    await asyncio.sleep(0.05)
    chunks = answer.chunks()
    assert len(await anext(chunks)) == READ_AHEAD_BYTES * 2
    with pytest.raises(SourceFailed, match="silent"):
        await anext(chunks)
    assert transport.said == ["write", "pause", "resume", "abort"]
    answer.close()


async def test_what_came_before_a_failure_is_given_first() -> None:
    answer, _ = connected()
    answer.data_received(FLV)
    answer.connection_lost(OSError())
    chunks = answer.chunks()
    assert await anext(chunks) == FLV
    with pytest.raises(SourceFailed):
        await anext(chunks)


async def test_a_connection_that_takes_too_long_is_a_failure() -> None:
    made = HttpSource(parse_address("http://127.0.0.1:9/a"), connect_timeout_s=0)
    with pytest.raises(SourceFailed, match="in time"):
        await read(made)


async def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(BadMedia, match="host"):
        await read(source("http://a..b/a.flv"))


async def test_cancelling_closes_the_connection() -> None:
    began, gone = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        response = await answer(request, FLV)
        began.set()
        try:
            while True:
                await response.write(FLV)
                await asyncio.sleep(0)
        finally:
            gone.set()

    async with served(handler) as url:
        reading = asyncio.create_task(read(source(f"{url}/a.flv")))
        async with asyncio.timeout(5):
            await began.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        async with asyncio.timeout(5):
            await gone.wait()
