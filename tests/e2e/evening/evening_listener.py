"""Somebody who listens: a connection by WebSocket or Server-Sent Events, and what it brought."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
from evening_ledger import Ledger, Position, position_of

PATIENCE_S = 10.0
LOSSY = {"online", "speaking"}


class Listener:
    """What one connection heard; it takes nothing that is not newer than what it holds."""

    def __init__(self, name: str, node: str, docs: tuple[str, ...], ledger: Ledger) -> None:
        self.name = name
        self.node = node
        self.docs = list(docs)
        self.held: dict[str, dict[str, Any]] = {}
        self.commands: list[str] | None = None
        self.unread: list[dict[str, Any]] = []
        self.lossy: list[dict[str, Any]] = []
        self.has_subscribed = False
        self.ended = False
        self.close_code: int | None = None
        self.fault: AssertionError | None = None
        self._ledger = ledger
        self._news = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None
        self._pongs: set[int] = set()
        self._pings = itertools.count(1)

    def at(self, doc: str) -> Position | None:
        """Give the position that is held of a document."""
        return position_of(self.held[doc]) if doc in self.held else None

    def have(self) -> dict[str, str]:
        """Say what is held, as a client that comes back does."""
        return {doc: "{}.{}".format(*position_of(held)) for doc, held in self.held.items()}

    async def until(self, what: str, true: Callable[[], bool]) -> None:
        """Wait for something to be so."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: true() or self.ended)
        except TimeoutError:
            raise AssertionError(f"{self.name} on {self.node} waited in vain: {what}") from None
        if self.fault is not None:
            raise self.fault
        assert true(), f"{self.name} on {self.node} lost the connection before: {what}"

    async def until_heard(self, what: str, unread: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until some message lies unread."""
        await self.until(what, lambda: any(map(unread, self.unread)))

    async def until_at(self, doc: str, position: Position) -> None:
        """Wait until a document is held at a position or a later one."""
        what = f"{doc} at {position}"
        await self.until(what, lambda: (self.at(doc) or (-1, -1)) >= position)

    async def until_ended(self) -> None:
        """Wait for the end of the connection."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: self.ended)

    async def take(self, body: bytes) -> None:
        """Take one message of the server."""
        message = json.loads(body)
        async with self._news:
            match message["type"]:
                case "pong":
                    self._pongs.add(message["id"])
                case lossy if lossy in LOSSY:
                    self.lossy.append(message)
                case "snapshot":
                    self._take_snapshot(body)
                case _:
                    self.unread.append(message)
            self._news.notify_all()

    def _take_snapshot(self, body: bytes) -> None:
        snapshot = self._ledger.check(body)
        held = self.at(snapshot["doc"])
        assert held is None or position_of(snapshot) > held, "nothing old is pushed"
        assert snapshot["doc"] in self.docs, f"{snapshot['doc']} was not asked for"
        self.held[snapshot["doc"]] = snapshot
        self.unread.append(snapshot)

    async def _end(self, close_code: int | None) -> None:
        async with self._news:
            self.ended, self.close_code = True, close_code
            self._news.notify_all()

    def read(self, reading: Awaitable[int | None]) -> None:
        """Read in a task of its own until the connection ends."""

        async def run() -> None:
            close_code: int | None = None
            try:
                with suppress(aiohttp.ClientError, ConnectionError):
                    close_code = await reading
            except AssertionError as fault:
                self.fault = fault
            finally:
                await self._end(close_code)

        self._reading = asyncio.create_task(run(), name=f"listener {self.name}")

    async def stop(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def settle(self) -> None:
        """Make sure that everything sent so far was heard."""

    async def close(self) -> None:
        """Leave."""
        await self.stop()


class SocketListener(Listener):
    """By WebSocket."""

    socket: aiohttp.ClientWebSocketResponse

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        await self.socket.send_str(json.dumps(message))

    async def settle(self) -> None:
        """Ask twice: what waited when the first answer left has left before the second."""
        for number in (next(self._pings), next(self._pings)):
            await self.send({"type": "ping", "id": number})
            await self.until(f"pong {number}", partial(self._pongs.__contains__, number))

    async def read_socket(self) -> int | None:
        """Take every text frame."""
        async for frame in self.socket:
            assert frame.type is aiohttp.WSMsgType.TEXT, frame
            await self.take(frame.data.encode())
        return self.socket.close_code

    async def close(self) -> None:
        """Leave in order."""
        await self.stop()
        await self.socket.close()


class EventListener(Listener):
    """By Server-Sent Events."""

    response: aiohttp.ClientResponse
    last_event_id = ""

    async def read_events(self) -> int | None:
        """Take the data of every event (WHATWG HTML 9.2.6, as far as it is used)."""
        fields: dict[str, str] = {}
        async for raw in self.response.content:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
            elif "data" in fields:
                assert fields["event"] == json.loads(fields["data"])["type"]
                self.last_event_id = fields.get("id", self.last_event_id)
                await self.take(fields["data"].encode())
                fields = {}
        return None

    async def close(self) -> None:
        """Leave."""
        await self.stop()
        self.response.close()
