"""Requests lent to aiohttp: they arrive as they were checked, and the connection comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.app import LIMITS
from gateway.config import NO_PROGRESS_S
from gateway.edge.exchange import Exchange, Responder
from gateway.edge.framing import MAX_FIELDS
from gateway.edge.head import KNOWN_METHODS, Head, read_head
from gateway.edge.house import House
from gateway.edge.lent import AnswerHead, LentTransport, request_bytes
from room.errors import Malformed
from tests.unit.gateway_edge.edge_door_samples import (
    Client,
    Recorder,
    Turning,
    Wire,
    aiohttp_app,
    calling,
    door_on_wire,
    lend_nothing,
    make_house,
    on_uvloop,
    open_house,
    soon,
    statuses,
)
from tests.unit.gateway_edge.smuggling_corpus import get, post

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def client_of(
    handle: Handle, route: Callable[[Head], Responder | None] = lend_nothing
) -> AsyncIterator[tuple[Client, House]]:
    """Open one connection to a door that lends."""
    async with aiohttp_app(handle) as lend:  # type: ignore[arg-type]  # a coroutine is awaitable
        house = make_house(route, lend)
        async with open_house(house) as address, calling(address) as client:
            yield client, house


def here_and_lent(recorder: Recorder) -> Callable[[Head], Responder | None]:
    return lambda head: recorder.respond if head.path.startswith("/here") else None


@on_uvloop
async def test_connection_comes_back_for_the_next_request() -> None:
    recorder = Recorder()
    async with client_of(recorder.handle, here_and_lent(recorder)) as (client, _):
        for path in (b"/lent/1", b"/here/2", b"/lent/3", b"/lent/3", b"/here/4"):
            client.send(get(target=path))
            answer = await client.answer()
            assert answer.endswith(b"\r\n\r\n" + path)
            assert b"\r\nConnection:" not in answer


@on_uvloop
async def test_answers_to_a_mixed_pipeline_are_in_its_order() -> None:
    recorder = Recorder()
    paths = [b"/%b/%d" % (b"lent" if n % 3 else b"here", n) for n in range(20)]
    async with client_of(recorder.handle, here_and_lent(recorder)) as (client, _):
        bodies = (post(b"Content-Length: 1", body=b"x").replace(b"/x", path) for path in paths)
        client.send(b"".join(bodies))
        for path in paths:
            assert (await client.answer()).endswith(b"\r\n\r\n" + path)
    assert [seen.path.encode() for seen in recorder.seen] == paths


@pytest.mark.parametrize("method", ["HEAD", "GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("status", [200, 204, 304, 404])
@on_uvloop
async def test_answers_without_a_body_leave_the_connection_usable(method: str, status: int) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=b"" if status in (204, 304) else b"abc")

    request = get().replace(b"GET", method.encode(), 1)
    async with client_of(handle) as (client, _):
        for _ in range(3):
            client.send(request)
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 %d " % status)
            if method != "HEAD" and status in (200, 404):
                assert await client.reader.readexactly(3) == b"abc"


@on_uvloop
async def test_upgrade_behind_a_lent_request_is_answered_and_taken_over() -> None:
    class Echo(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            self.transport.write(data)  # type: ignore[attr-defined]  # of either loop's class

    def upgrade(exchange: Exchange) -> None:
        exchange.take_over(Echo(), b"HTTP/1.1 101 Switching Protocols\r\n\r\n")

    recorder = Recorder()
    route = lambda head: upgrade if head.upgrade else None  # noqa: E731 - one line says it
    async with client_of(recorder.handle, route) as (client, house):
        client.send(get(target=b"/lent"))
        await client.answer()
        client.send(get(b"Connection: upgrade", b"Upgrade: websocket") + b"early")
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        assert await client.reader.readexactly(5) == b"early"
        client.send(get())
        assert await client.reader.readexactly(len(get())) == get()
        assert not house.doors
    assert len(recorder.seen) == 1


@pytest.mark.parametrize(
    ("request_head", "line"),
    [
        (get(b"Connection: close"), b"Connection: close"),
        (get(version=b"HTTP/1.0"), b"Connection: close"),
        (get(b"Connection: upgrade", b"Upgrade: websocket"), b"Connection: close"),
    ],
)
@on_uvloop
async def test_connection_that_ends_says_so(request_head: bytes, line: bytes) -> None:
    async with client_of(Recorder().handle) as (client, _):
        client.send(request_head + get())
        answer = await client.rest()
    assert statuses(answer) == [200]
    assert answer.count(line) == 1


@on_uvloop
async def test_http_1_0_is_told_that_its_connection_stays() -> None:
    async with client_of(Recorder().handle) as (client, _):
        for _ in range(2):
            client.send(get(b"Connection: keep-alive", version=b"HTTP/1.0"))
            assert b"Connection: keep-alive\r\n" in await client.answer()


@on_uvloop
async def test_answer_of_unknown_length_ends_the_connection() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"abc")
        await response.write_eof()
        return response

    async with client_of(handle) as (client, _):
        client.send(get() + get())
        answer = await client.rest()
    assert answer.count(b"HTTP/1.1 200 ") == 1
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"3\r\nabc\r\n0\r\n\r\n")


@on_uvloop
async def test_answer_that_breaks_off_ends_the_connection() -> None:
    """The next answer would be taken for the rest of this one."""

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"abc")
        raise ConnectionResetError

    async with client_of(handle) as (client, _):
        client.send(get() + get())
        answer = await client.rest()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.endswith(b"\r\n\r\nabc")


@on_uvloop
async def test_large_answers_wait_for_a_slow_reader() -> None:
    body = b"x" * 3_000_000

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    async with client_of(handle) as (client, _):
        for _ in range(2):
            client.send(get())
            assert (await client.answer()).endswith(b"\r\n\r\n" + body)


@on_uvloop
async def test_client_that_leaves_is_noticed_by_the_handler() -> None:
    seen: list[str] = []
    begun = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        begun.set()
        transport = request.transport
        await soon(lambda: transport is None or transport.is_closing())
        seen.append("gone")
        return web.Response()

    async with client_of(handle) as (client, house):
        client.send(get())
        await begun.wait()
        await client.hang_up()
        await soon(lambda: not house.doors and bool(seen))


@on_uvloop
async def test_client_that_leaves_at_once_troubles_nobody() -> None:
    troubles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    async with aiohttp_app(Recorder().handle) as lend:
        for _ in range(5):
            door, wire = door_on_wire(make_house(lend_nothing, lend))
            door.data_received(get())
            wire.close()
            door.connection_lost(None)
            for _ in range(5):
                await asyncio.sleep(0)
    assert troubles == []


@on_uvloop
async def test_handler_sees_the_clients_address() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(text=str(request.remote))

    async with client_of(handle) as (client, _):
        client.send(get())
        assert (await client.answer()).endswith(b"127.0.0.1")


# The request as aiohttp gets it

PRINTABLE = st.sampled_from([bytes((code,)) for code in range(0x21, 0x7F)])
TARGET = st.lists(PRINTABLE, max_size=20).map(b"".join)
NAMES = st.sampled_from([b"Accept", b"Content-Type", b"Cookie", b"Expect", b"Range", b"User-Agent"])
ODD_NAMES = st.sampled_from([b"Sec-WebSocket-Key1", b"TE", b"Upgrade", b"X-!#$%&'*+-.^_`|~0"])
VALUE = st.lists(st.integers(0, 255), max_size=12).map(bytes)
LINES = st.lists(st.tuples(NAMES | ODD_NAMES, VALUE), max_size=4)
METHODS = st.sampled_from(sorted(KNOWN_METHODS))
HOSTS = st.sampled_from([b"a", b"a:", b"[::1]:80", b"[:]", b"..", b"a:99999", b"_"])
BEFORE = st.sampled_from([b"/", b"//", b"http://h", b"http://[::1]:80", b"http://h:/"])


@settings(max_examples=400)
@given(METHODS, BEFORE, TARGET, HOSTS, LINES)
def test_what_is_lent_is_never_refused_unread(
    method: bytes, before: bytes, target: bytes, host: bytes, lines: list[tuple[bytes, bytes]]
) -> None:
    """An error of aiohttp's own repeats what was sent, and names the software."""
    fields = b"".join(b"%b: %b\r\n" % line for line in lines)
    raw = b"%b %b%b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (method, before, target, host, fields)
    try:
        head = read_head(raw)
    except Malformed:
        return
    assert read_by_aiohttp(request_bytes(head, b"ab" if head.has_body else b"")) == 1


@pytest.mark.xfail(strict=True, reason="gateway.app.LIMITS has no room for what the door adds")
def test_as_many_fields_as_may_be_are_lent() -> None:
    limit = [b"A%d: b" % n for n in range(MAX_FIELDS - 1)]
    assert read_by_aiohttp(request_bytes(read_head(get(*limit)), b"")) == 1
    assert read_by_aiohttp(request_bytes(read_head(post(b"Content-Length: 2", *limit[1:])), b"ab"))


def read_by_aiohttp(raw: bytes) -> int:
    """Count the requests that aiohttp's parser reads, within the limits that are set."""
    names = ("max_line_size", "max_field_size", "max_headers")
    limits = {name: LIMITS[name] for name in names}
    loop = asyncio.new_event_loop()
    try:
        protocol = BaseProtocol(loop)
        parser = HttpRequestParser(protocol, loop, 2**16, **limits)
        messages, upgraded, tail = parser.feed_data(raw)
    finally:
        loop.close()
    assert (upgraded, tail) == (False, b"")
    return len(messages)


def test_request_is_written_anew_without_what_belongs_to_the_connection() -> None:
    raw = post(
        b"Connection: keep-alive, authorization",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: x",
        b"TE: trailers",
        b"Trailer: a",
        b"Expect: 100-continue",
        b"Transfer-Encoding: chunked",
        b"Authorization: Bearer t",
        b"X-A: 1",
        b"X-A:  2",
    )
    assert request_bytes(read_head(raw), b"body").split(b"\r\n") == [
        b"POST /x HTTP/1.1",
        b"Host: a",
        b"authorization: Bearer t",
        b"x-a: 1",
        b"x-a: 2",
        b"Content-Length: 4",
        b"Connection: close",
        b"",
        b"body",
    ]


def test_upgrade_is_not_passed_on() -> None:
    head = read_head(get(b"Connection: upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: k"))
    assert b"upgrade" not in request_bytes(head, b"").lower()


def test_host_that_is_passed_on_is_the_targets() -> None:
    head = read_head(get(target=b"http://b:8/x?y"))
    assert request_bytes(head, b"").startswith(b"GET /x?y HTTP/1.1\r\nHost: b:8\r\n")


def test_request_that_is_passed_on_reads_as_the_same_one() -> None:
    head = read_head(get(b"A: \xe9", b"B:", b"If-None-Match: x", target=b"/a%2F?b=%20"))
    again = read_head(request_bytes(head, b""))
    assert (again.method, again.path, again.query) == (head.method, head.path, head.query)
    assert {**again.fields, b"connection": [b""]} == {**head.fields, b"connection": [b""]}


# The answer as the client gets it


@pytest.mark.parametrize(
    ("lines", "method", "size"),
    [
        ([b"HTTP/1.1 200 OK", b"Content-Length: 3"], b"GET", 3),
        ([b"HTTP/1.1 200 OK", b"Content-Length: 3"], b"HEAD", 0),
        ([b"HTTP/1.1 304 Not Modified", b"Content-Length: 3"], b"GET", 0),
        ([b"HTTP/1.1 204 No Content"], b"GET", 0),
        ([b"HTTP/1.1 200 OK"], b"GET", None),
        ([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked"], b"GET", None),
    ],
)
def test_how_long_an_answer_is(lines: list[bytes], method: bytes, size: int | None) -> None:
    head = read_head(get().replace(b"GET", method, 1))
    raw = b"\r\n".join([*lines, b"Connection: close", b"\r\n"])
    answer = AnswerHead(raw, head, may_stay=True)
    assert answer.size_bytes == size
    kept = [] if size is not None else [b"Connection: close"]
    assert answer.raw == b"\r\n".join([*lines, *kept, b"\r\n"])


class Handler(asyncio.Protocol):
    """Stands where aiohttp's handler would."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, LentTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.events.append("data")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append("lost")


def lent_on_wire() -> tuple[Handler, LentTransport, Wire, House]:
    handler = Handler()
    house = make_house(lend_nothing, lambda: handler)
    door, wire = door_on_wire(house)
    door.data_received(get())
    return handler, handler.transport, wire, house


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"


async def test_head_of_an_answer_may_come_in_pieces() -> None:
    _, transport, wire, _ = lent_on_wire()
    for at in range(len(HEAD)):
        transport.write(HEAD[at : at + 1])
    transport.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
    transport.close()
    assert wire.sent == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
    assert not wire.is_ended


async def test_what_is_beyond_an_answers_length_is_dropped() -> None:
    _, transport, wire, _ = lent_on_wire()
    transport.write(HEAD + b"abcHTTP/1.1 200 smuggled\r\n\r\n")
    transport.write(b"more")
    transport.close()
    assert wire.sent.endswith(b"\r\n\r\nabc")


async def test_handler_that_closes_without_an_answer_is_answered_for() -> None:
    handler, transport, wire, _ = lent_on_wire()
    transport.close()
    assert statuses(wire.sent) == [503]
    assert wire.is_ended
    await asyncio.sleep(0)
    assert handler.events == ["data", "lost"]


async def test_handler_whose_answer_has_no_end_of_head_is_cut_off() -> None:
    _, transport, wire, _ = lent_on_wire()
    transport.write(b"x" * 70_000)
    assert wire.is_aborted


async def test_end_of_a_lent_connection_is_told_once() -> None:
    handler, transport, wire, _ = lent_on_wire()
    transport.abort()
    transport.abort()
    transport.close()
    transport.write(b"late")
    await asyncio.sleep(0)
    assert handler.events == ["data", "lost"]
    assert wire.is_aborted
    assert transport.is_closing()
    assert transport.get_extra_info("peername") is None


async def test_flow_control_is_passed_on_and_a_stuck_reader_is_cut_off() -> None:
    handler, transport, wire, house = lent_on_wire()
    turn = Turning(house.wheel)
    wire.is_stuck = True
    transport.write(HEAD)
    door = next(iter(house.doors))
    door.pause_writing()  # type: ignore[attr-defined]  # it is a door
    turn(NO_PROGRESS_S)
    assert not wire.is_closed
    door.resume_writing()  # type: ignore[attr-defined]  # it is a door
    turn(NO_PROGRESS_S)
    assert not wire.is_closed
    assert transport.get_write_buffer_size() == wire.unread_bytes > 0
    door.pause_writing()  # type: ignore[attr-defined]  # it is a door
    turn(NO_PROGRESS_S + 1)
    assert handler.events == ["data", "pause", "resume", "pause"]
    assert wire.is_aborted


async def test_lent_connection_offers_what_a_transport_must() -> None:
    handler, transport, _, _ = lent_on_wire()
    assert transport.get_extra_info("peername") == ("203.0.113.7", 4711)
    assert transport.get_extra_info("socket", "none") == "none"
    assert transport.get_protocol() is handler
    assert not transport.can_write_eof()
    transport.set_write_buffer_limits(high=1)
    transport.pause_reading()
    assert not transport.is_reading()
    transport.resume_reading()
    assert transport.is_reading()
    with pytest.raises(RuntimeError):
        transport.set_protocol(handler)
