"""A small HTTP server that plays the gateway: each test says what it answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from seatsync.access import open_access

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
EPOCH = 1_732_146_400_123


def snapshot_body(version: int, /, **changed: Any) -> bytes:
    """Bytes of a snapshot of the room ``demo`` without a session."""
    snapshot: dict[str, Any] = {
        "type": "snapshot",
        "doc": "state",
        "schema": 1,
        "view": "anonymous",
        "room": "demo",
        "epoch": EPOCH,
        "version": version,
        "ts": 1_732_150_000_000 + version,
        "session": None,
        "seat_mode": "free",
        "owner_seat": 0,
        "seats": [],
    }
    return json.dumps(snapshot | changed, separators=(",", ":")).encode()


def problem(status: int, code: str, *, retryable: bool = False, **more: Any) -> web.Response:
    body = {"title": "no", "status": status, "code": code, "retryable": retryable} | more
    return web.json_response(body, status=status, content_type="application/problem+json")


async def portal(_request: web.Request) -> web.Response:
    """What a captive portal answers to everything."""
    return web.Response(text="<html>Please log in</html>", content_type="text/html")


async def wait_until(holds: Callable[[], bool]) -> None:
    """Let the loop run until something that has no event of its own holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for is the client's own state
            await asyncio.sleep(0)


class FakeGateway:
    """Serves one handler for each resource of the room; what has none is 404 ``NOT_FOUND``."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        """For handlers that never answer."""
        self.handlers: dict[str, Handler] = {}
        self.requests: list[web.Request] = []
        self.url = ""
        self._server: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = web.AppRunner(app, shutdown_timeout=0.1)
        await self._server.setup()
        site = web.TCPSite(self._server, "127.0.0.1", 0)
        await site.start()
        host, port = self._server.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        assert self._server is not None
        self.stopping.set()
        await self._server.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        await request.read()  # so that tests may read it when the request is over
        handler = self.handlers.get(request.path.rpartition("/")[2])
        return problem(404, "NOT_FOUND") if handler is None else await handler(request)

    def access(self, token: str | None = None) -> Any:
        return open_access(self.url, "demo", token)

    def asked_for(self, part: str) -> list[web.Request]:
        return [request for request in self.requests if request.path.endswith(f"/{part}")]


class PushSocket:
    """The gateway's end of a WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def welcome(self, ping_ms: int = 25_000) -> None:
        await self.say(type="welcome", conn_id="c1", schema=1, ping_ms=ping_ms, server_ts=1)

    async def snapshot(self, version: int, /, **changed: Any) -> None:
        await self.socket.send_str(snapshot_body(version, **changed).decode())

    async def hold(self) -> None:
        """Stay until the client leaves."""
        async for message in self.socket:
            assert message.type is not aiohttp.WSMsgType.ERROR


def push(talk: Callable[[PushSocket], Awaitable[None]]) -> Handler:
    """Make a handler that accepts a WebSocket and talks."""

    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("seatsync.v1",), timeout=0.1)
        await socket.prepare(request)
        await talk(PushSocket(socket))
        return socket

    return handler


def events(chunks: list[bytes], *, content_type: str = "text/event-stream") -> Handler:
    """Make a handler that writes an event stream and ends."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        return response

    return handler
