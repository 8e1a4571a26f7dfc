"""Polls a second over loopback, beside a bare aiohttp handler that returns the same bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import uvloop
from aiohttp import web

from bench.core import full_room
from bench.measure import Row, in_turns_async, per_second, row
from gateway.config import Address, Config
from gateway.server import clock_ms, serving
from gateway.tokens.authenticator import issue
from store.memory import MemoryStore
from store.opening import alone

REQUESTS = 3_000
CONNECTIONS = 16
SECRET = b"a secret of the benchmark, long enough"


def rows() -> Iterable[Row]:
    """Measure."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run(_compare())


async def _compare() -> Row:
    config = Config(Address("127.0.0.1", 0), Address("127.0.0.1", 0), SECRET)
    token = issue(SECRET, {"sub": "u0", "exp": clock_ms() // 1000 + 600})
    store = MemoryStore(clock_ms)
    await store.create("demo", full_room().state, clock_ms())
    async with serving(config, alone(store, clock_ms)) as server:
        edition = (await server.gateway.rooms.find("demo")).edition
        asking = request("/v1/rooms/demo/state", f"Authorization: Bearer {token}\r\n")
        async with _bare(edition.view("member").body) as bare_port:
            raw = await in_turns_async(
                lambda: _load(server.address.port, asking),
                lambda: _load(bare_port, request("/state")),
            )
    return row("member polls from memory", "a bare aiohttp handler, same body", raw, per_second)


def request(path: str, headers: str = "") -> bytes:
    """Write a request as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


@asynccontextmanager
async def _bare(body: bytes) -> AsyncIterator[int]:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/state", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def _load(port: int, asking: bytes) -> float:
    """Ask again and again over kept connections; client and server share the core."""

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(REQUESTS // CONNECTIONS):
            writer.write(asking)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            await reader.readexactly(length)
        writer.close()

    before = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return REQUESTS // CONNECTIONS * CONNECTIONS / (time.perf_counter() - before)
