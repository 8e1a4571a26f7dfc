"""Every byte that leaves a gateway, kept by who got it and on which channel."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from leaks_plants import Planted, Plants

from room.position import Position
from sei.wire.payload import decode, encode, inflate
from tests.e2e.gateway.gateway_kit import Node, fresh_id, settled

Heard = dict[tuple[str, str], bytearray]
"""Bytes by caller and channel."""

ROOM, OTHER = "room-of-plants", "another-room"
DOCS = "state,requests,play,x-score"


class Capture:
    """Sends requests and keeps what comes back."""

    def __init__(self, node: Node, plants: Plants) -> None:
        self.node = node
        self.plants = plants
        self.heard: Heard = defaultdict(bytearray)
        self.something = asyncio.Event()
        """Set when a byte came on an event stream."""

    def headers(self, caller: str) -> dict[str, str]:
        who = self.plants.callers.get(caller) or self.plants.people().get(caller)
        return bearer(who)

    async def ask(
        self,
        caller: str,
        channel: str,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> bytes:
        """Send a request; head and body are kept, the body as a reader decodes it."""
        url = path if "://" in path else self.node.url + path
        sent = {**self.headers(caller), **(headers or {})}
        async with self.node.session.request(method, url, headers=sent, **more) as response:
            body = await response.read()
            if response.headers.get("Content-Encoding") == "gzip" and body:
                body = gzip.decompress(body)
            kept = self.heard[caller, channel]
            kept += str(response.status).encode() + response.reason.encode()
            for name, value in response.raw_headers:
                kept += name + b": " + value + b"\n"
            kept += body
            return body

    async def command(
        self, caller: str, channel: str, cmd: str, room: str = ROOM, **args: Any
    ) -> bytes:
        """Send a command; its id is a marker too."""
        cmd_id = f"cmd-{fresh_id()}-{caller}"
        self.plants.learnt.setdefault(f"{caller}.cmd_id", cmd_id)
        body = {"cmd": cmd, "cmd_id": cmd_id, "args": args}
        return await self.ask(caller, channel, "POST", f"/v1/rooms/{room}/commands", json=body)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Listening]:
        """Hold a WebSocket and an event stream of every caller; everything on them is kept."""
        async with AsyncExitStack() as stack:
            sockets = {}
            streams = []
            path = f"{self.node.url}/v1/rooms/{ROOM}"
            for caller in self.plants.callers:
                headers = self.headers(caller)
                sockets[caller] = await stack.enter_async_context(
                    self.node.session.ws_connect(f"{path}/push?docs={DOCS}", headers=headers)
                )
                stream = await stack.enter_async_context(
                    self.node.session.get(f"{path}/events?docs={DOCS}", headers=headers)
                )
                for name, value in stream.raw_headers:
                    self.heard[caller, "sse"] += name + b": " + value + b"\n"
                streams.append(asyncio.create_task(self._drain(caller, stream)))
            try:
                yield Listening(self, sockets)
            finally:
                for task in streams:
                    task.cancel()
                await asyncio.gather(*streams, return_exceptions=True)

    async def _drain(self, caller: str, stream: aiohttp.ClientResponse) -> None:
        async for chunk in stream.content.iter_any():
            self.heard[caller, "sse"] += chunk
            self.something.set()

    def sei(self) -> None:
        """Keep what would go into the video: the messages, and the snapshot inside."""
        edition = self.node.running.gateway.poller.held(ROOM)
        assert edition is not None
        snapshot = edition.view("anonymous")
        pieces = b""
        for message in encode(ROOM, Position(*snapshot.position), snapshot.ts_ms, snapshot.body):
            self.heard["anonymous", "sei"] += message
            read = decode(message)
            assert read is not None
            pieces += read.piece
        body = inflate(pieces) if read.deflated else pieces
        assert zlib.crc32(body) == zlib.crc32(snapshot.body)
        self.heard["anonymous", "sei"] += body


class Listening:
    """The open push connections of every caller."""

    def __init__(
        self, capture: Capture, sockets: Mapping[str, aiohttp.ClientWebSocketResponse]
    ) -> None:
        self._capture = capture
        self._sockets = sockets

    async def settle(self) -> None:
        """Keep everything that is on its way now."""
        for caller, socket in self._sockets.items():
            for message in await settled(socket):
                self._capture.heard[caller, "ws"] += repr(message).encode()
        await self._settle_streams()

    async def _settle_streams(self) -> None:
        """Wait until every stream has the document's newest position."""
        held = self._capture.node.running.gateway.poller.held(ROOM)
        assert held is not None
        newest = f"state:{held.position}".encode()
        async with asyncio.timeout(10):
            for caller in self._sockets:
                while newest not in self._capture.heard[caller, "sse"]:
                    await self._capture.something.wait()
                    self._capture.something.clear()

    async def send(self, caller: str, **message: Any) -> None:
        """Say something on a WebSocket."""
        await self._sockets[caller].send_json(message)


def bearer(who: Planted | None) -> dict[str, str]:
    return {} if who is None else {"Authorization": f"Bearer {who.token}"}
