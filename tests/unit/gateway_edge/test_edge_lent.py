"""Requests lent to aiohttp: they arrive as they were checked, and the connection comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.edge.exchange import Exchange, Responder
from gateway.edge.head import Head
from gateway.edge.house import House
from tests.unit.gateway_edge.edge_door_samples import (
    Client,
    Recorder,
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


@on_uvloop
async def test_body_of_a_request_that_would_upgrade_to_something_else_is_served() -> None:
    """RFC 9110 7.8: an upgrade may be ignored; some clients offer h2c with every first request."""
    recorder = Recorder()
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAEAAEAA")
    async with client_of(recorder.handle) as (client, _):
        client.send(post(*offer, b"Content-Length: 5", body=b"hello"))
        answer = await client.answer()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert await client.rest() == b""
    assert [seen.body for seen in recorder.seen] == [b"hello"]


@on_uvloop
async def test_body_of_a_request_that_would_become_a_websocket_is_refused() -> None:
    recorder = Recorder()
    offer = (b"Connection: Upgrade", b"Upgrade: h2c, WebSocket")
    async with client_of(recorder.handle) as (client, _):
        client.send(post(*offer, b"Content-Length: 5", body=b"hello"))
        assert statuses(await client.rest()) == [400]
    assert recorder.seen == []
