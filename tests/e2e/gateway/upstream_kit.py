"""An HTTP service of somebody else, as a gateway finds it: each test says what it answers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from gateway_kit import ROOM, Answer, Node, running_node

from gateway.config import Upstream
from gateway.server import clock_ms
from store.memory import MemoryStore

PATH = f"/v1/rooms/{ROOM}/x-seats"
TTL_MS = 200
PATIENCE_S = 10.0

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def document(version: int = 1, epoch: int = 1, **members: Any) -> dict[str, Any]:
    return {"epoch": epoch, "version": version, **members}


class Service:
    """Answers with a document, or in a way of the test's own; keeps what it was asked."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = document()
        self.fields: dict[str, str] = {}
        self.respond: Respond | None = None
        self.asked: Counter[str] = Counter()
        self.requests: list[web.BaseRequest] = []
        self.port = 0
        self._changed = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/rooms/{{room}}/seats"

    async def start(self) -> None:
        """Listen; after a stop, at the same port."""
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be gone: connections are closed, and new ones refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def say(self, value: Any, status: int = 200, **more: Any) -> None:
        """Answer everything with this text or JSON from now on."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        kind = more.pop("content_type", "application/json")

        async def respond(_: web.Request) -> web.Response:
            return web.Response(status=status, body=body, content_type=kind, **more)

        self.respond = respond

    async def wait_for_reads(self, count: int, room: str = ROOM) -> None:
        """Wait until so many more requests for a room have come."""
        wanted = self.asked[room] + count
        async with asyncio.timeout(PATIENCE_S):
            while self.asked[room] < wanted:
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked[request.path.split("/")[2]] += 1
        self.requests.append(request)
        self._changed.set()
        if self.respond is not None:
            return await self.respond(request)  # type: ignore[arg-type]  # it looks at the head alone
        return web.json_response(self.document, headers=self.fields)


@asynccontextmanager
async def behind(
    service: Service, *, ttl_ms: int = TTL_MS, timeout_ms: int = 1000, **settings: Any
) -> AsyncIterator[Node]:
    """Run a gateway before a service, with a room."""
    await service.start()
    upstream = Upstream("x-seats", service.url, ttl_ms=ttl_ms, timeout_ms=timeout_ms)
    try:
        async with running_node(MemoryStore(clock_ms), upstreams=(upstream,), **settings) as node:
            assert (await node.create()).status == 201
            yield node
    finally:
        await service.stop()


async def poll_until(node: Node, wanted: Callable[[Answer], bool], path: str = PATH) -> Answer:
    """Poll until an answer is as wanted; the last one is told where none is."""
    answer: Answer | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while answer is None or not wanted(answer):
                if answer is not None:
                    await asyncio.sleep(TTL_MS / 4000)  # as a poller does
                answer = await node.ask("GET", path)
    except TimeoutError:
        raise AssertionError(answer) from None
    return answer


async def outcomes(node: Node) -> dict[str, float]:
    """Give how reads ended, by the metrics."""
    before, after = 'seatsync_upstream_reads_total{doc="x-seats",outcome="', '"}'
    return {
        name.removeprefix(before).removesuffix(after): value
        for name, value in (await node.metrics()).items()
        if name.startswith(before)
    }
