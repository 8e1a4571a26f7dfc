from __future__ import annotations

import asyncio
import errno
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from room.errors import CannotStart
from sei.relay.front import Front, Visitor, bind
from sei.relay.refusals import PREFLIGHT, alive, problem
from sei.relay.relayed import Handed
from sei.relay.request_line import MAX_LINE_BYTES, BadLine, read_line


@pytest.mark.parametrize(
    ("target", "stream"),
    [
        ("/live/stage.flv", "stage"),
        ("/live/stage.m3u8?_HLS_msn=3", "stage"),
        ("/live/stage/7.ts", "stage"),
        ("/live/st%61ge.flv", "stage"),
        ("/live/stage", None),
        ("/live/../etc/passwd", None),
        ("/live/.flv", None),
        ("/live/a%2Fb.flv", "a"),
        ("/livez", None),
        ("http://x/live/stage.flv", "stage"),
        ("*", None),
    ],
)
def test_the_name_is_read_from_the_path(target: str, stream: str | None) -> None:
    asked = read_line(f"GET {target} HTTP/1.1\r\nHost: x\r\n".encode())
    assert asked is not None
    assert (asked.method, asked.stream) == ("GET", stream)


def test_a_line_that_comes_byte_by_byte_is_waited_for() -> None:
    line = b"GET /live/stage.flv HTTP/1.1\r\n"
    for end in range(len(line)):
        assert read_line(line[:end]) is None
    assert read_line(line) is not None
    assert read_line(b"\r\n" + line) is not None


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00",
        b"\x03\x00\x00\x00",
        b"get / HTTP/1.1\r\n",
        b"GET / HTTP/2.0\r\n",
        b"GET  / HTTP/1.1\r\n",
        b"GET /\xff HTTP/1.1\r\n",
        b"GET //[ HTTP/1.1\r\n",
        b"GET /" + b"a" * MAX_LINE_BYTES,
        b"\r\n" * 3 + b"\x00",
    ],
)
def test_what_cannot_become_a_request_is_refused_at_once(noise: bytes) -> None:
    with pytest.raises(BadLine):
        read_line(noise)


def test_refusals_are_whole_responses_that_any_page_may_read() -> None:
    head, _, body = problem("UNAVAILABLE", "later").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    for line in (b"Access-Control-Allow-Origin: *", b"Retry-After: 1", b"Connection: close"):
        assert line in head.split(b"\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert json.loads(body)["retryable"] is True
    assert problem("NOT_FOUND", "", "HEAD").endswith(b"\r\n\r\n")
    assert alive("HEAD").endswith(b"\r\n\r\n")
    assert b"Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n" in PREFLIGHT


class Hands:
    """Takes what it is told to take."""

    def __init__(self, verdict: Handed = "taken") -> None:
        self.verdict = verdict
        self.taken: list[tuple[str, socket.socket]] = []
        self.came = asyncio.Event()

    def __call__(self, name: str, connection: socket.socket, _peer: str) -> Handed:
        if self.verdict == "taken":
            self.taken.append((name, connection))
            self.came.set()
        return self.verdict


@asynccontextmanager
async def fronting(hands: Hands, **settings: Any) -> AsyncIterator[Front]:
    front = Front(bind("127.0.0.1", 0), hands, **settings)
    try:
        yield front
    finally:
        front.close()
        for _, connection in hands.taken:
            connection.close()


async def answer(front: Front, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_a_connection_is_handed_over_with_nothing_of_it_read() -> None:
    hands = Hands()
    async with fronting(hands) as front:
        _, writer = await asyncio.open_connection("127.0.0.1", front.port)
        request = b"GET /live/stage.flv HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(request)
        await asyncio.wait_for(hands.came.wait(), 10)
        ((name, connection),) = hands.taken
        assert name == "stage"
        connection.setblocking(True)
        assert await asyncio.to_thread(connection.recv, 1000) == request
        writer.close()


async def test_a_line_in_pieces_is_understood() -> None:
    hands = Hands()
    async with fronting(hands) as front:
        _, writer = await asyncio.open_connection("127.0.0.1", front.port)
        for piece in (b"G", b"ET /live/st", b"age.flv HT", b"TP/1.1\r\n"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await asyncio.wait_for(hands.came.wait(), 10)
        assert hands.taken[0][0] == "stage"
        writer.close()


@pytest.mark.parametrize(
    ("verdict", "request_line", "status"),
    [
        ("unknown", b"GET /live/x.flv HTTP/1.1\r\n\r\n", b"404"),
        ("away", b"GET /live/x.flv HTTP/1.1\r\n\r\n", b"503"),
        ("away", b"OPTIONS /live/x.flv HTTP/1.1\r\n\r\n", b"204"),
        ("unknown", b"OPTIONS /live/x.flv HTTP/1.1\r\n\r\n", b"204"),
        ("taken", b"GET / HTTP/1.0\r\n\r\n", b"404"),
        ("taken", b"DELETE /live/x.flv HTTP/1.1\r\n\r\n", b"405"),
        ("taken", b"HEAD /livez HTTP/1.1\r\n\r\n", b"200"),
        ("taken", b"\x16\x03\x01", b"400"),
    ],
)
async def test_what_no_worker_takes_is_answered(
    verdict: Handed, request_line: bytes, status: bytes
) -> None:
    async with fronting(Hands(verdict)) as front:
        text = await answer(front, request_line)
    assert text.split(b" ")[1] == status
    assert b"Access-Control-Allow-Origin: *" in text


async def test_an_answer_is_not_lost_over_a_body_that_nobody_read() -> None:
    async with fronting(Hands()) as front:
        head = b"POST /live/x.flv HTTP/1.1\r\nContent-Length: 500000\r\n\r\n"
        text = await answer(front, head + bytes(500_000))
    assert text.startswith(b"HTTP/1.1 405 ")


class Endless:
    """A connection on which there is always more to read."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def recv(self, size: int, *_flags: int) -> bytes:
        self.reads += 1
        if self.reads > 1000:
            raise AssertionError("it is read without end")
        return b"x" * size


async def test_who_sends_without_end_has_not_the_loop_for_itself() -> None:
    async with fronting(Hands()) as front:
        one, other = socket.socketpair()
        with one, other:
            connection: Any = Endless(one)
            visitor = Visitor(connection, "peer", front)
            visitor._drain()
            assert connection.reads == 1
            visitor.close()


async def test_no_more_that_have_their_answer_are_kept_than_a_bound() -> None:
    async with fronting(Hands("unknown"), max_half_open=2) as front:
        writers = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
            writers.append(writer)
            writer.write(b"GET /nothing HTTP/1.1\r\n")
            async with asyncio.timeout(10):
                assert (await reader.read()).startswith(b"HTTP/1.1 404 ")
            assert 1 <= len(front._answered) <= 2
        for writer in writers:
            writer.close()


async def test_a_line_that_never_ends_is_cut_off() -> None:
    async with fronting(Hands(), line_s=0.05) as front:
        with pytest.raises(ConnectionResetError):
            await answer(front, b"GET /live/x")
        assert await answer(front, b"") == b""
        assert not front._half_open


async def test_beyond_the_bound_the_oldest_half_open_one_goes() -> None:
    hands = Hands()
    async with fronting(hands, max_half_open=3) as front:
        peers = [await asyncio.open_connection("127.0.0.1", front.port) for _ in range(4)]
        async with asyncio.timeout(10):
            assert await peers[0][0].read() == b""
        peers[1][1].write(b"GET /live/still.flv HTTP/1.1\r\n")
        await asyncio.wait_for(hands.came.wait(), 10)
        assert hands.taken[0][0] == "still"
        for _, writer in peers:
            writer.close()


class OutOfDescriptors:
    """A listening socket that runs out once."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self.failures = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "Too many open files")
        return self.real.accept()


async def test_when_descriptors_run_out_it_rests_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener: Any = OutOfDescriptors(bind("127.0.0.1", 0))
    front = Front(listener, Hands("unknown"))
    try:
        with caplog.at_level(logging.ERROR):
            assert (await answer(front, b"GET /livez HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200")
    finally:
        front.close()
    assert caplog.text.count("no connection can be taken") == 1


def test_an_address_that_is_taken_is_said_to_be() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"127.0.0.1:{port}"):
            bind("127.0.0.1", port)
