"""Peers that vanish without a word (reliability F21).

A filter on the client's own socket drops every segment that comes in, before it is acknowledged:
to the server this is a cable that was cut.
"""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.server import clock_ms
from store.memory import MemoryStore
from tests.e2e.edge.edge_crowd import follow, until
from tests.e2e.edge.edge_kit import HURRY, get, served
from tests.e2e.gateway.gateway_kit import ROOM, Node, running_node, upgrade

SO_ATTACH_FILTER = getattr(socket, "SO_ATTACH_FILTER", 26)
RETURN = 0x06


def vanish(connection: socket.socket) -> None:
    """Attach a program that keeps nothing (socket(7), bpf: ``ret #0``)."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", RETURN, 0, 0, 0))
    described = struct.pack("HL", 1, ctypes.addressof(program))
    connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)


class Cables:
    """Bare sockets, each of which can be cut."""

    def __init__(self) -> None:
        self.made: list[socket.socket] = []

    async def ask(self, node: Node, request: bytes) -> socket.socket:
        """Connect and send a request."""
        loop = asyncio.get_running_loop()
        made = socket.socket()
        self.made.append(made)
        made.setblocking(False)
        await loop.sock_connect(made, tuple(node.running.address))
        await loop.sock_sendall(made, request)
        return made

    async def open(self, node: Node, request: bytes) -> socket.socket:
        """Open a push connection, and read what comes first."""
        made = await self.ask(node, request)
        begun = await asyncio.get_running_loop().sock_recv(made, 65536)
        assert begun.startswith((b"HTTP/1.1 101 ", b"HTTP/1.1 200 ")), begun
        return made


@pytest.fixture
def cables() -> Iterator[Cables]:
    made = Cables()
    yield made
    for connection in made.made:
        connection.close()


async def open_on(node: Node, channel: str) -> float:
    return (await node.metrics()).get(f'seatsync_connections{{channel="{channel}"}}', 0.0)


async def gone(node: Node, channel: str, left: int, within_s: float) -> None:
    deadline_s = time.monotonic() + within_s
    while await open_on(node, channel) > left:  # each look is a request
        assert time.monotonic() < deadline_s, "still there"


async def test_who_answers_no_ping_is_cut_off_and_who_answers_stays(cables: Cables) -> None:
    async with running_node(MemoryStore(clock_ms), ping_interval_s=1.0) as node:
        await node.live()
        answering = await follow(node.running.address, ROOM)
        silent = [await cables.open(node, upgrade(f"/v1/rooms/{ROOM}/push")) for _ in range(20)]
        for connection in silent[:10]:
            vanish(connection)
        assert await open_on(node, "ws") == 21
        await gone(node, "ws", 1, within_s=10)
        await node.do("bob", "seat.take", seat_index=1)
        await until(lambda: answering.seen == 2)
        assert answering.transport is not None
        assert not answering.transport.is_closing()
        answering.abort()


async def test_who_vanishes_is_cut_off_though_changes_are_sent_to_them(cables: Cables) -> None:
    async with running_node(MemoryStore(clock_ms), ping_interval_s=1.0) as node:
        await node.live()
        await node.do("bob", "seat.take", seat_index=1)
        vanish(await cables.open(node, upgrade(f"/v1/rooms/{ROOM}/push")))
        for number in range(10):
            await node.do("bob", "seat.move", to=2 - number % 2)
        await gone(node, "ws", 0, within_s=10)


@pytest.mark.soak
@pytest.mark.parametrize("changes", [True, False], ids=["a busy room", "a quiet room"])
async def test_who_vanishes_behind_a_stream_of_events_is_forgotten(
    start: Any, cables: Cables, changes: bool
) -> None:
    """A comment comes every 15 s, and what is not acknowledged for 20 s is given up."""
    async with served(start, *HURRY) as server:
        node = server.node
        await node.live()
        await node.do("bob", "seat.take", seat_index=1)
        vanish(await cables.open(node, get(f"/v1/rooms/{ROOM}/events")))
        if changes:
            await node.do("bob", "seat.move", to=2)
        await gone(node, "sse", 0, within_s=50)
