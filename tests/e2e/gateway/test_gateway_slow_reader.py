"""Readers that do not read: they skip versions, cost little and hurt nobody (PROTOCOL.md 6)."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
from gateway_kit import (
    OWNER,
    ROOM,
    Node,
    greeted,
    hear,
    position,
    running_node,
    server_frame,
    upgrade,
)

import gateway.gateway
import gateway.push.connection
from gateway.server import clock_ms
from store.memory import MemoryStore

VERSIONS = 500


async def narrow(node: Node, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect with a receive buffer as small as the kernel allows, and read on demand only."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, tuple(node.running.address))
    reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
    node.bare.append(writer)
    writer.write(request)
    return reader, writer


async def change(node: Node, times: int) -> str:
    """Move somebody to and fro; gives the last position."""
    for number in range(times):
        ack = await node.do("bob", "seat.move", to=number % 2 + 1)
    return position(ack)


async def crowded(node: Node) -> None:
    """Make the state large: fifty seats taken, so that sockets fill."""
    await node.live(seat_count=50)
    for number in range(49):
        user = "bob" if number == 2 else f"user-{number}-{'x' * 40}"
        await node.do(user, "seat.take", seat_index=number + 1)
    await node.do(f"user-0-{'x' * 40}", "seat.leave")
    await node.do(f"user-1-{'x' * 40}", "seat.leave")


async def test_a_reader_that_stops_gets_the_newest_soon_and_hurts_nobody(node: Node) -> None:
    await crowded(node)
    reader, writer = await narrow(node, upgrade(f"/v1/rooms/{ROOM}/push"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    async with node.ws() as other:
        await greeted(other)
        last = await change(node, VERSIONS)
        while last not in await positions(other):
            pass
    held = sum(connection.get_write_buffer_size() for connection in transports(node))
    assert held < 64 * 1024, "what is not read must not pile up here"
    seen = []
    while not seen or seen[-1] != last:
        _, payload = await server_frame(reader)
        message = json.loads(payload)
        if message["type"] == "snapshot":
            seen.append(position(message))
    assert len(seen) < VERSIONS / 4, "old versions were queued for a slow reader"
    assert seen == sorted(set(seen), key=lambda text: int(text.partition(".")[2]))
    writer.transport.abort()


def transports(node: Node) -> list[Any]:
    """Give the write sides of the push connections of this node."""
    return [connection.transport for connection in node.running.gateway.connections._open]


async def positions(socket_: Any) -> tuple[str, ...]:
    """Hear one message; gives the position of a snapshot."""
    message = await hear(socket_)
    return (position(message),) if message["type"] == "snapshot" else ()


@pytest.mark.parametrize("channel", ["ws", "sse"])
async def test_a_socket_that_takes_no_byte_is_aborted(
    channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.push.connection, "STUCK_LOOK_S", 0.3)
    monkeypatch.setattr(gateway.gateway, "NO_PROGRESS_S", 0.3)
    async with running_node(MemoryStore(clock_ms)) as node:
        await crowded(node)
        path = f"/v1/rooms/{ROOM}/{'push' if channel == 'ws' else 'events'}"
        request = upgrade(path) if channel == "ws" else f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"
        _, writer = await narrow(node, request.encode() if isinstance(request, str) else request)
        writer.transport.pause_reading()
        name = f'seatsync_connections{{channel="{channel}"}}'
        while (await node.metrics()).get(name) != 1:
            await node.poll()
        async with asyncio.timeout(20):
            while (await node.metrics())[name]:
                await change(node, 10)
        writer.transport.abort()
        assert (await node.do(OWNER, "session.end"))["changed"]
