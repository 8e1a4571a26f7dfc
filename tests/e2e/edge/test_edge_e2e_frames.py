"""Frames of an attacker, and what they cost the process (F31, F32, F34, F35, F36)."""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.e2e.edge.edge_kit import PATIENCE_S, Server, served
from tests.e2e.gateway.gateway_kit import (
    MASK,
    ROOM,
    client_frame,
    close_code,
    server_frame,
    upgrade,
)

DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
ATTACKERS = 20


@pytest.fixture
async def server(start: Any) -> AsyncIterator[Server]:
    async with served(start) as running:
        await running.node.live()
        yield running


async def upgraded(
    server: Server, *lines: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(upgrade(f"/v1/rooms/{ROOM}/push", *lines))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


async def end_of(reader: asyncio.StreamReader) -> int:
    """Read up to the close frame, or the end without one, which is 1006 (RFC 6455 7.1.5)."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await close_code(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return 1006


async def pour(writer: asyncio.StreamWriter, piece: bytes, times: int) -> None:
    """Send the same again and again, until it is taken no more."""
    try:
        for _ in range(times):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        assert writer.transport.is_closing()


def bomb(size_bytes: int) -> bytes:
    """A deflated message of a few bytes that becomes so many."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"a" * size_bytes) + packer.flush(zlib.Z_SYNC_FLUSH)
    frame = bytearray(client_frame(1, packed.removesuffix(b"\x00\x00\xff\xff")))
    frame[0] |= 0x40
    return bytes(frame)


DECLARED = b"\x81\xff" + struct.pack("!Q", 2**62) + MASK
UNMASKED = b"\x81\x02{}"
ONCE = {
    "2^62 bytes declared": ((), DECLARED, 1009),
    "2^63 bytes declared": ((), b"\x81\xff" + struct.pack("!Q", 2**63) + MASK, 1002),
    "no mask": ((), UNMASKED, 1002),
    "a bomb of 13 KB": ((DEFLATE,), bomb(13 << 20), 1009),
    "a compressed frame that was not agreed on": ((), bomb(10), 1002),
}


@pytest.mark.parametrize("name", ONCE)
async def test_one_frame_closes_with_its_code_and_takes_no_memory(
    server: Server, name: str
) -> None:
    lines, frame, code = ONCE[name]
    sockets = [await upgraded(server, *lines) for _ in range(ATTACKERS)]
    rss_kib = server.rss_kib()
    for _, writer in sockets:
        writer.write(frame)
    codes = [await end_of(reader) for reader, _ in sockets]
    grown_kib = server.rss_kib() - rss_kib
    for _, writer in sockets:
        writer.transport.abort()
    assert set(codes) == {code}
    assert grown_kib < 8 * 1024


FLOODS = {
    "empty fragments": client_frame(1, b"", fin=False) + client_frame(0, b"", fin=False) * 999,
    "empty fragments of one message": client_frame(0, b"", fin=False) * 1000,
    "messages in tiny fragments": (
        client_frame(1, b"", fin=False)
        + client_frame(0, b"", fin=False) * 98
        + client_frame(0, b"")
    ),
    "pings": client_frame(9, b"x" * 125) * 100,
    "pongs": client_frame(10, b"") * 100,
}


@pytest.mark.parametrize("name", FLOODS)
async def test_flood_of_frames_that_say_nothing_ends_the_connection(
    server: Server, name: str
) -> None:
    reader, writer = await upgraded(server)
    if name == "empty fragments of one message":
        writer.write(client_frame(1, b"", fin=False))
    rss_kib = server.rss_kib()
    pouring = asyncio.create_task(pour(writer, FLOODS[name], 2000))
    code = await end_of(reader)
    writer.transport.abort()
    await pouring
    assert code in (1002, 1006, 1008, 1009)
    assert server.rss_kib() - rss_kib < 8 * 1024
    assert (await server.node.poll()).status == 200


async def test_flood_of_pings_by_one_who_reads_nothing_is_bounded(server: Server) -> None:
    """Either the socket is read no more or the connection is ended; memory stays."""
    sockets = [await upgraded(server) for _ in range(ATTACKERS)]
    for reader, _ in sockets:
        await server_frame(reader)
    rss_kib = server.rss_kib()
    pouring = [
        asyncio.create_task(pour(writer, client_frame(9, b"x" * 125) * 100, 500))
        for _, writer in sockets
    ]
    _, still = await asyncio.wait(pouring, timeout=2)
    grown_kib = server.rss_kib() - rss_kib
    assert (await server.node.poll()).status == 200
    for _, writer in sockets:
        writer.transport.abort()
    for task in still:
        task.cancel()
    await asyncio.gather(*pouring, return_exceptions=True)
    assert grown_kib < ATTACKERS * 1024  # a read of each at most, of 6 MB that were sent
