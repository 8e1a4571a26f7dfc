from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator

import pytest

from gateway.config import MAX_BODY_BYTES
from gateway.upstream.faults import UpstreamFault
from gateway.upstream.fetch import Fetcher

JSON = b"Content-Type: application/json\r\n"
LONG_S = 30.0
"""A bound that no test comes near."""


def response(body: bytes = b"{}", fields: bytes = JSON, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 " + status + b"\r\n" + fields
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


class Server:
    """Answers every request with the same bytes, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer = response()
        self.heads: list[bytes] = []
        self.connections = 0
        self.hangs = False
        self.closes = False
        self.floods = False
        self.was_cut = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/rooms/r1/seats?x=%2F"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.answer)
                while self.floods:
                    writer.write(b"x" * 4096)
                    await writer.drain()
                if self.closes:
                    writer.close()
                    return
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.was_cut.set()
            writer.transport.abort()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    started = Server()
    await started.start()
    try:
        yield started
    finally:
        await started.stop()


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    opened = Fetcher()
    try:
        yield opened
    finally:
        await opened.close()


async def reason(fetcher: Fetcher, server: Server, within_s: float = LONG_S) -> str:
    with pytest.raises(UpstreamFault) as fault:
        await fetcher.get(server.url, None, within_s)
    return fault.value.reason


async def test_a_document_comes_with_its_tag_and_lifetime(fetcher: Fetcher, server: Server) -> None:
    server.answer = response(b'{"a":1}', JSON + b'ETag: "1"\r\nCache-Control: max-age=5\r\n')
    received = await fetcher.get(server.url, None, LONG_S)
    assert received.body == b'{"a":1}'
    assert (received.head.etag, received.head.cache_control) == ('"1"', "max-age=5")


async def test_the_request_is_plain(fetcher: Fetcher, server: Server) -> None:
    server.answer = response(fields=JSON + b"Set-Cookie: a=b; Path=/\r\n")
    for etag in (None, '"1"'):
        await fetcher.get(server.url, etag, LONG_S)
    first, second = (head.decode().lower() for head in server.heads)
    assert first.startswith("get /rooms/r1/seats?x=%2f http/1.1\r\n")
    assert "\r\naccept-encoding: identity\r\n" in first
    assert "if-none-match" not in first
    assert '\r\nif-none-match: "1"\r\n' in second
    assert "cookie" not in second
    assert "authorization" not in second


async def test_a_connection_is_used_again(fetcher: Fetcher, server: Server) -> None:
    for _ in range(5):
        await fetcher.get(server.url, None, LONG_S)
    assert server.connections == 1


async def test_no_proxy_is_taken_from_the_environment(
    fetcher: Fetcher, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert os.environ["http_proxy"]
    assert (await fetcher.get(server.url, None, LONG_S)).body == b"{}"


async def test_a_body_may_be_as_long_as_a_documents(fetcher: Fetcher, server: Server) -> None:
    server.answer = response(b" " * MAX_BODY_BYTES)
    assert len((await fetcher.get(server.url, None, LONG_S)).body) == MAX_BODY_BYTES


async def test_a_body_that_says_it_is_too_long_is_not_read(
    fetcher: Fetcher, server: Server
) -> None:
    head = b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: %d\r\n\r\n"
    server.answer = head % (MAX_BODY_BYTES + 1)  # and nothing follows
    assert await reason(fetcher, server) == "too_large"


async def test_a_body_without_end_is_cut(fetcher: Fetcher, server: Server) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\n" + JSON + b"Connection: close\r\n\r\n"
    server.floods = True
    assert await reason(fetcher, server) == "too_large"
    async with asyncio.timeout(LONG_S):
        await server.was_cut.wait()


async def test_a_compressed_answer_is_refused_unread(fetcher: Fetcher, server: Server) -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    assert len(bomb) < MAX_BODY_BYTES
    server.answer = response(bomb, JSON + b"Content-Encoding: gzip\r\n")
    assert await reason(fetcher, server) == "coded"


async def test_a_redirect_is_not_followed(fetcher: Fetcher, server: Server) -> None:
    target = server.url.encode()
    server.answer = response(b"", b"Location: " + target + b"\r\n", b"302 Found")
    assert await reason(fetcher, server) == "redirect"
    assert len(server.heads) == 1


@pytest.mark.parametrize("status", [b"404 Not Found", b"410 Gone"])
async def test_what_is_not_there_is_no_fault(
    fetcher: Fetcher, server: Server, status: bytes
) -> None:
    server.answer = response(b"none", b"", status)
    received = await fetcher.get(server.url, None, LONG_S)
    assert (received.head.status, received.body) == (int(status[:3]), b"")


async def test_not_modified_has_no_body(fetcher: Fetcher, server: Server) -> None:
    server.answer = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'
    received = await fetcher.get(server.url, '"1"', LONG_S)
    assert (received.head.status, received.body) == (304, b"")


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 10\r\n\r\n{"],
    ids=["nothing", "half"],
)
async def test_an_answer_that_does_not_end_in_time_is_slow(
    fetcher: Fetcher, server: Server, answer: bytes
) -> None:
    server.answer = answer
    assert await reason(fetcher, server, 0.05) == "slow"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Content-Length: 10\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    ],
    ids=["cut", "chunk", "other", "field"],
)
async def test_what_is_no_http_is_broken(fetcher: Fetcher, server: Server, answer: bytes) -> None:
    server.answer, server.closes = answer, True
    assert await reason(fetcher, server) == "broken"


async def test_nobody_there_is_unreachable(fetcher: Fetcher, server: Server) -> None:
    await server.stop()
    with pytest.raises(UpstreamFault) as fault:
        await fetcher.get(f"http://127.0.0.1:{await _free_port()}/", None, LONG_S)
    assert fault.value.reason == "unreachable"
    assert "127.0.0.1" not in fault.value.message
    await server.start()


async def test_after_its_end_nothing_is_fetched(server: Server) -> None:
    fetcher = Fetcher()
    await fetcher.get(server.url, None, LONG_S)
    await fetcher.close()
    assert await reason(fetcher, server) == "unreachable"
    assert len(server.heads) == 1


async def _free_port() -> int:
    trial = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port: int = trial.sockets[0].getsockname()[1]
    trial.close()
    await trial.wait_closed()
    return port
