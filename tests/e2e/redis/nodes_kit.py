"""Gateways on one store, and readers who watch that they never go back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from gateway.config import Bounds
from gateway.server import clock_ms
from room.position import Position
from store.redis import open_redis
from tests.e2e.gateway.gateway_kit import ROOM, Answer, Node, auth, running_node

PATIENCE_S = 20.0


@asynccontextmanager
async def running_nodes(url: str, count: int, **settings: Any) -> AsyncIterator[list[Node]]:
    """Run some gateways on one store, each with a link of its own."""
    async with AsyncExitStack() as stack:
        nodes = []
        for _ in range(count):
            backend = await open_redis(url, clock_ms)
            running = running_node(backend, bounds=Bounds(room_commands=None), **settings)
            nodes.append(await stack.enter_async_context(running))
        yield nodes


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what comes about by itself."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0.01)


class Reader:
    """One who keeps what they were told of a room; a step back is an error at once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.newest: dict[str, Any] | None = None
        self.others: list[dict[str, Any]] = []

    @property
    def position(self) -> Position | None:
        return None if self.newest is None else position_of(self.newest)

    def take(self, message: dict[str, Any]) -> None:
        """Take a message, whatever carried it."""
        if message["type"] != "snapshot":
            self.others.append(message)
            return
        before = self.position
        assert before is None or position_of(message) > before, (self.name, before, message)
        self.newest = message

    async def until(self, position: Position) -> None:
        """Wait until they were told of this position, or of a newer one."""
        await until(lambda: self.position is not None and self.position >= position)


@asynccontextmanager
async def reading_ws(node: Node, user: str) -> AsyncIterator[Reader]:
    """Follow the room by WebSocket for as long as the context is open."""
    reader = Reader(f"ws {user}")
    async with node.ws(user=user) as socket:

        async def read() -> None:
            async for frame in socket:
                reader.take(json.loads(frame.data))

        async with beside(read()):
            await until(lambda: reader.newest is not None)
            yield reader


@asynccontextmanager
async def reading_sse(node: Node, user: str) -> AsyncIterator[Reader]:
    """Follow the room by Server-Sent Events for as long as the context is open."""
    reader = Reader(f"sse {user}")
    url = f"{node.url}/v1/rooms/{ROOM}/events"
    endless = aiohttp.ClientTimeout(total=None)
    async with node.session.get(url, headers=auth(user), timeout=endless) as response:

        async def read() -> None:
            async for line in response.content:
                if line.startswith(b"data: "):
                    reader.take(json.loads(line.removeprefix(b"data: ")))

        async with beside(read()):
            await until(lambda: reader.newest is not None)
            yield reader


READING = {"ws": reading_ws, "sse": reading_sse}


@asynccontextmanager
async def beside(work: Any) -> AsyncIterator[None]:
    """Run something beside the body; what goes wrong in it ends the body."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


class Refusal(NamedTuple):
    """Why a command was refused, and where the room stood."""

    code: str
    position: Position


def position_of(message: dict[str, Any]) -> Position:
    return Position(message["epoch"], message["version"])


async def poll(node: Node, user: str) -> Answer:
    """Poll the room, and expect an answer whatever the store does."""
    answer = await node.poll(user=user)
    assert answer.status == 200, answer.body
    return answer
