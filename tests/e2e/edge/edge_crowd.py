"""Many WebSocket readers in one process: each holds a position, and judges what it is sent."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from typing import Any

from gateway.config import Address
from tests.e2e.edge.edge_kit import PATIENCE_S, Answered, get, take_answer
from tests.e2e.gateway.gateway_kit import client_frame, upgrade

Where = tuple[int, int]


class Reader(asyncio.Protocol):
    """One connection that reads frames as they come; strict about their order.

    Attributes:
        held: the newest position; None: no snapshot came yet.
        seen: how many snapshots came.
        bye: the goodbye, and when it came.
    """

    def __init__(self, heard: Callable[[Reader], None] | None = None) -> None:
        self.answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.held: Where | None = None
        self.seen = 0
        self.wrong: list[str] = []
        self.bye: dict[str, Any] | None = None
        self.bye_s = 0.0
        self.close_code: int | None = None
        self.transport: asyncio.Transport | None = None
        self._rest = b""
        self._heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # of a stream

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(ConnectionResetError("closed before the answer"))
        self.gone.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if not self.answer.done():
            found = take_answer(self._rest)
            if found is None:
                return
            answer, self._rest = found
            self.answer.set_result(answer)
        while (size := whole_frame(self._rest)) is not None:
            opcode, payload = self._rest[0] & 0x0F, self._rest[size - payload_size(self._rest) :]
            payload = payload[: payload_size(self._rest)]
            self._rest = self._rest[size:]
            self._take(opcode, payload)

    def _take(self, opcode: int, payload: bytes) -> None:
        if self.close_code is not None:
            self.wrong.append("something behind the close frame")
        if opcode == 8:
            self.close_code = int.from_bytes(payload[:2])
            self._say(client_frame(8, payload[:2]))
        elif opcode == 9:
            self._say(client_frame(10, payload))
        elif opcode == 1:
            self._take_message(payload)

    def _say(self, frame: bytes) -> None:
        """Answer, unless somebody else holds the socket and feeds what was read by hand."""
        if self.transport is not None:
            self.transport.write(frame)

    def _take_message(self, payload: bytes) -> None:
        if payload.startswith(b'{"type":"snapshot"'):
            message = json.loads(payload)
            where = message["epoch"], message["version"]
            if self.held is not None and where <= self.held:
                self.wrong.append(f"{where} after {self.held}")
            self.held = where
            self.seen += 1
            if self._heard is not None:
                self._heard(self)
        elif payload.startswith(b'{"type":"bye"'):
            self.bye = json.loads(payload)
            self.bye_s = time.monotonic()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def payload_size(held: bytes) -> int:
    """Length of the payload of the frame that begins here; the head must be there."""
    size = held[1]
    if size == 126:
        return int.from_bytes(held[2:4])
    return int.from_bytes(held[2:10]) if size == 127 else size


def whole_frame(held: bytes) -> int | None:
    """Length of the frame that is there from its first to its last byte; None: it is not."""
    if len(held) < 2:
        return None
    head = 2 + {126: 2, 127: 8}.get(held[1], 0)
    if len(held) < head:
        return None
    size = head + payload_size(held)
    return size if len(held) >= size else None


async def call(
    address: Address,
    request: bytes,
    heard: Callable[[Reader], None] | None = None,
    source: str = "127.0.0.1",
) -> Reader:
    """Connect, ask and wait for the answer, whatever it is."""
    async with asyncio.timeout(PATIENCE_S):
        _, reader = await asyncio.get_running_loop().create_connection(
            lambda: Reader(heard), *address, local_addr=(source, 0)
        )
        assert reader.transport is not None
        reader.transport.write(request)
        await asyncio.shield(reader.answer)
    return reader


async def follow(
    address: Address, room: str, *lines: str, heard: Callable[[Reader], None] | None = None
) -> Reader:
    """Open a WebSocket on a room; it must be let in."""
    reader = await call(address, upgrade(f"/v1/rooms/{room}/push", *lines), heard)
    assert reader.answer.result().status == 101, reader.answer.result()
    return reader


async def polled(address: Address, room: str, source: str = "127.0.0.1") -> Answered:
    """Poll once, on a connection of its own."""
    request = get(f"/v1/rooms/{room}/state", "Connection: close")
    reader = await call(address, request, source=source)
    return reader.answer.result()


async def until(condition: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
    """Look again and again until something holds that another process decides."""
    deadline_s = time.monotonic() + within_s
    for _ in iter(condition, True):
        assert time.monotonic() < deadline_s, "it never came to hold"
        await asyncio.sleep(0.01)


def narrow_socket() -> socket.socket:
    """Make a socket that takes little ahead: a small buffer, and segments as on a real network."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    made.setblocking(False)
    return made
