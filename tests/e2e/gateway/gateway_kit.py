"""A client of the gateway that knows PROTOCOL.md and nothing of the code behind it."""

from __future__ import annotations

import asyncio
import itertools
import json
import struct
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import jwt

from gateway.config import Address, Bounds, Config
from gateway.server import Running, clock_ms, serving
from store.backend import Backend
from store.opening import alone
from store.port import Store

SECRET = b"planted-secret-of-the-acceptance-tests"
OWNER = "olga"
ROOM = "r1"
PATIENCE_S = 10.0
MASK = b"\x01\x02\x03\x04"

_numbers = itertools.count()


class Answer(NamedTuple):
    """One HTTP answer, read to its end."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Code of a problem; says what came instead where it is none."""
        assert self.headers["Content-Type"] == "application/problem+json", (self.status, self.body)
        problem = self.json
        assert isinstance(problem["retryable"], bool)
        assert problem["status"] == self.status
        code: str = problem["code"]
        return code


def token(user: str = OWNER, *, secret: bytes = SECRET, **claims: Any) -> str:
    """Sign a token; a claim given as None is left out."""
    claims = {"sub": user, "exp": int(time.time()) + 600, **claims}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, secret, algorithm="HS256")


def auth(user: str | None, **claims: Any) -> dict[str, str]:
    return {} if user is None else {"Authorization": f"Bearer {token(user, **claims)}"}


def fresh_id() -> str:
    return f"id-{next(_numbers)}"


class Node:
    """One running gateway and a client session on it."""

    def __init__(self, running: Running, session: aiohttp.ClientSession) -> None:
        self.running = running
        self.session = session
        self.url = f"http://{running.address}"
        self.bare: list[asyncio.StreamWriter] = []

    async def ask(self, method: str, path: str, *, user: str | None = None, **more: Any) -> Answer:
        headers = {**auth(user), **more.pop("headers", {})}
        url = path if "://" in path else self.url + path
        async with self.session.request(method, url, headers=headers, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def poll(self, room: str = ROOM, *, user: str | None = None, **more: Any) -> Answer:
        return await self.ask("GET", f"/v1/rooms/{room}/state", user=user, **more)

    async def create(self, room: str = ROOM, user: str = OWNER, **wish: Any) -> Answer:
        return await self.ask("PUT", f"/v1/rooms/{room}", user=user, json=wish)

    async def command(
        self,
        user: str | None,
        cmd: str,
        args: Mapping[str, Any] | None = None,
        *,
        room: str = ROOM,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Answer:
        """Post one command; ``cmd_id=None`` leaves that field out."""
        body = {"cmd": cmd, "cmd_id": fresh_id(), "args": dict(args or {}), **fields}
        if body["cmd_id"] is None:
            del body["cmd_id"]
        path = f"/v1/rooms/{room}/commands"
        return await self.ask("POST", path, user=user, json=body, headers=headers or {})

    async def do(self, user: str, cmd: str, /, room: str = ROOM, **args: Any) -> dict[str, Any]:
        """Send a command that must succeed and give its ack."""
        answer = await self.command(user, cmd, args, room=room)
        assert answer.status == 200, answer.body
        ack: dict[str, Any] = answer.json
        return ack

    async def live(self, room: str = ROOM, **args: Any) -> str:
        """Create a room with a live session and give the position."""
        assert (await self.create(room)).status == 201
        return position(await self.do(OWNER, "session.start", room, **args))

    @asynccontextmanager
    async def ws(
        self,
        path: str = f"/v1/rooms/{ROOM}/push",
        user: str | None = None,
        *,
        protocols: tuple[str, ...] = ("seatsync.v1",),
        **more: Any,
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        headers = {**auth(user), **more.pop("headers", {})}
        async with self.session.ws_connect(
            self.url + path, headers=headers, protocols=protocols, **more
        ) as socket:
            yield socket

    async def metrics(self) -> dict[str, float]:
        """Read the other listener; by the name of the sample, labels included."""
        answer = await self.ask("GET", f"http://{self.running.metrics_address}/metrics")
        lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    async def raw(self, *parts: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a bare connection and send bytes as they are."""
        reader, writer = await asyncio.open_connection(*self.running.address)
        self.bare.append(writer)
        for part in parts:
            writer.write(part)
            await writer.drain()
        return reader, writer


UNBOUNDED = Bounds(user_commands=None, room_commands=None)
"""Tests are in a hurry."""


@asynccontextmanager
async def running_node(store: Store | Backend, **settings: Any) -> AsyncIterator[Node]:
    """Run a gateway on free ports; a drain of the tests waits for nobody long."""
    config = Config(
        listen=Address("127.0.0.1", 0),
        metrics_listen=Address("127.0.0.1", 0),
        secret=SECRET,
        **{"drain_s": 1.0, "bounds": UNBOUNDED, **settings},
    )
    backend = store if isinstance(store, Backend) else alone(store, clock_ms)
    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        serving(config, backend) as running,
        aiohttp.ClientSession(
            timeout=timeout,
            connector=connector,
            auto_decompress=False,
            skip_auto_headers=["Accept-Encoding"],
        ) as session,
    ):
        node = Node(running, session)
        try:
            yield node
        finally:
            await cut(node.bare)


async def cut(writers: list[asyncio.StreamWriter]) -> None:
    """Let go of bare connections, whatever state a test left them in."""
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


def position(message: Mapping[str, Any]) -> str:
    return f"{message['epoch']}.{message['version']}"


async def hear(socket: aiohttp.ClientWebSocketResponse, kind: str | None = None) -> dict[str, Any]:
    """Give the next message, or the next of a type."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame = await socket.receive()
            assert frame.type is aiohttp.WSMsgType.TEXT, (frame.type, frame.data, kind)
            message: dict[str, Any] = json.loads(frame.data)
            if kind in (None, message["type"]):
                return message


async def hear_close(socket: aiohttp.ClientWebSocketResponse) -> tuple[dict[str, Any] | None, int]:
    """Read to the end; give the ``bye`` before it, if any, and the close code."""
    bye = None
    async with asyncio.timeout(PATIENCE_S):
        async for frame in socket:
            assert bye is None, "nothing may follow a bye"
            message = json.loads(frame.data)
            bye = message if message["type"] == "bye" else None
    assert socket.close_code is not None
    return bye, socket.close_code


async def settled(socket: aiohttp.ClientWebSocketResponse) -> list[dict[str, Any]]:
    """Give everything that was on its way.

    A pong overtakes what waits in slots, so what stood there comes before the second one.
    """
    heard = []
    for _ in range(2):
        mark = fresh_id()
        await socket.send_json({"type": "ping", "id": mark})
        while (message := await hear(socket)).get("id") != mark:
            heard.append(message)
    return heard


async def greeted(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Read welcome and policy; give the first snapshot."""
    assert (await hear(socket))["type"] == "welcome"
    assert (await hear(socket))["type"] == "policy"
    snapshot = await hear(socket)
    assert snapshot["type"] == "snapshot"
    return snapshot


def client_frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """Write a masked frame (RFC 6455 5.2)."""
    first = (0x80 if fin else 0) | opcode
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = bytes((first, 0x80 | 126)) + struct.pack("!H", size)
    else:
        head = bytes((first, 0x80 | 127)) + struct.pack("!Q", size)
    key = MASK * (size // 4 + 1)
    return head + MASK + bytes(a ^ b for a, b in zip(payload, key, strict=False))


async def server_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one unmasked frame."""
    async with asyncio.timeout(PATIENCE_S):
        first, size = await reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await reader.readexactly(8))
        return first & 0x0F, await reader.readexactly(size)


async def close_code(reader: asyncio.StreamReader) -> int:
    """Read frames up to the close frame."""
    while True:
        opcode, payload = await server_frame(reader)
        if opcode == 8:
            return int.from_bytes(payload[:2])


def upgrade(path: str, *lines: str) -> bytes:
    """Write an upgrade request."""
    head = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *lines,
    ]
    return "\r\n".join([*head, "", ""]).encode()


async def upgraded(
    node: Node, path: str = f"/v1/rooms/{ROOM}/push", *lines: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a WebSocket on a bare connection, past its 101."""
    reader, writer = await node.raw(upgrade(path, *lines))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return reader, writer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        assert writer.is_closing()
