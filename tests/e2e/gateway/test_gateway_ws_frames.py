"""Frames as they are: sizes, codings and floods (RFC 6455; PROTOCOL.md 6)."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from contextlib import AsyncExitStack

import aiohttp
import pytest
from gateway_kit import (
    MASK,
    ROOM,
    Node,
    auth,
    client_frame,
    close_code,
    greeted,
    hang_up,
    hear,
    position,
    running_node,
    server_frame,
    upgrade,
    upgraded,
)

from gateway.server import clock_ms
from store.memory import MemoryStore

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAX_FRAME_BYTES = 16 * 1024


def declared(opcode: int, size: int) -> bytes:
    """Write the head of a frame whose payload never comes."""
    return bytes((0x80 | opcode, 0x80 | 127)) + struct.pack("!Q", size) + MASK


def ping_message(size_bytes: int) -> bytes:
    bare = b'{"type":"ping","id":""}'
    return bare.replace(b'""', b'"%s"' % (b"x" * (size_bytes - len(bare))))


ENDINGS = {
    "binary": (client_frame(BINARY, b"{}"), 1003),
    "empty binary": (client_frame(BINARY, b""), 1003),
    "invalid UTF-8": (client_frame(TEXT, b'{"type":"ping","id":"\xff"}'), 1007),
    "a surrogate in UTF-8": (client_frame(TEXT, b'"\xed\xa0\x80"'), 1007),
    "cut off UTF-8": (client_frame(TEXT, b'"\xe2\x82'), 1007),
    "16 KB and a byte": (client_frame(TEXT, ping_message(MAX_FRAME_BYTES + 1)), 1009),
    "1 MB": (client_frame(TEXT, ping_message(1_000_000)), 1009),
    "2^62 declared": (declared(TEXT, 2**62), 1009),
    "20 KB in pieces": (
        client_frame(TEXT, b" " * 10_000, fin=False) + client_frame(0, b" " * 10_000),
        1009,
    ),
    "a reserved bit": (b"\xc1" + client_frame(TEXT, b"{}")[1:], 1002),
    "a reserved opcode": (client_frame(3, b"{}"), 1002),
    "a continuation of nothing": (client_frame(0, b"{}"), 1002),
    "a ping over 125 bytes": (client_frame(PING, b"x" * 126), 1002),
    "a ping in pieces": (client_frame(PING, b"x", fin=False), 1002),
    "a message within a message": (client_frame(TEXT, b"{", fin=False) * 2, 1002),
    "a close of one byte": (client_frame(CLOSE, b"x"), 1002),
    "a close with a reserved code": (client_frame(CLOSE, struct.pack("!H", 1005)), 1002),
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_a_frame_that_breaks_the_rules_closes_with_its_code(node: Node, name: str) -> None:
    await node.live()
    frame, code = ENDINGS[name]
    async with node.ws() as other:
        await greeted(other)
        reader, writer = await upgraded(node)
        writer.write(frame)
        assert await close_code(reader) == code
        await hang_up(writer)
        ack = await node.do("bob", "seat.take", seat_index=3)
        assert position(await hear(other)) == position(ack)


@pytest.mark.parametrize("pieces", [1, 2, 16, 1024])
async def test_exactly_16_kb_is_taken_in_any_number_of_pieces(node: Node, pieces: int) -> None:
    await node.live()
    reader, writer = await upgraded(node)
    text = ping_message(MAX_FRAME_BYTES)
    step = len(text) // pieces
    parts = [text[start : start + step] for start in range(0, len(text), step)]
    for number, part in enumerate(parts):
        opcode = TEXT if number == 0 else 0
        writer.write(client_frame(opcode, part, fin=number == len(parts) - 1))
    while True:
        opcode, payload = await server_frame(reader)
        assert opcode == TEXT, (opcode, payload)
        if json.loads(payload)["type"] == "pong":
            break
    await hang_up(writer)


async def test_a_ping_frame_is_answered_with_its_payload(node: Node) -> None:
    await node.live()
    reader, writer = await upgraded(node)
    writer.write(client_frame(PING, b"payload"))
    while (frame := await server_frame(reader))[0] == TEXT:
        pass
    assert frame == (PONG, b"payload")
    await hang_up(writer)


@pytest.mark.parametrize("status", [1000, 1001, 3000, 4999])
async def test_a_close_is_answered_with_a_close(node: Node, status: int) -> None:
    await node.live()
    reader, writer = await upgraded(node)
    writer.write(client_frame(CLOSE, struct.pack("!H", status) + b"so long"))
    assert await close_code(reader) in (status, 1000)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    await hang_up(writer)


async def test_compression_is_agreed_on_without_context_takeover(node: Node) -> None:
    await node.live()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{node.url}/v1/rooms/{ROOM}/push", compress=15) as socket_,
    ):
        assert socket_.compress
        await greeted(socket_)
        await socket_.send_json({"type": "ping", "id": "p" * 500})
        while (heard := await hear(socket_))["type"] != "pong":
            pass
        assert heard["id"] == "p" * 500


async def test_an_offer_that_is_not_well_formed_is_declined(node: Node) -> None:
    await node.live()
    reader, writer = await node.raw()
    writer.write(
        upgrade("/v1/rooms/r1/push", "Sec-WebSocket-Extensions: permessage-deflate; client_no")
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"sec-websocket-extensions" not in head.lower()
    await hang_up(writer)


async def test_a_flood_of_pings_that_reads_nothing_is_held_back(node: Node) -> None:
    """The gateway stops reading a client that does not take its answers."""
    await node.live()
    async with node.ws() as other:
        await greeted(other)
        _, writer = await upgraded(node)
        writer.transport.pause_reading()
        writer.transport.set_write_buffer_limits(high=0)
        burst = client_frame(TEXT, ping_message(8000)) * 8
        held_back = False
        for _ in range(2000):
            writer.write(burst)
            try:
                async with asyncio.timeout(1.0):
                    await writer.drain()
            except TimeoutError:
                held_back = True
                break
        assert held_back
        ack = await node.do("bob", "seat.take", seat_index=3)
        assert position(await hear(other, "snapshot")) == position(ack)
        writer.transport.abort()


@pytest.mark.parametrize("ending", ["drain", "expiry", "refusal"])
async def test_a_goodbye_waits_for_the_answer_of_the_client(ending: str) -> None:
    """RFC 6455 7.1.1: who closes the TCP connection at once may destroy its own last frames.

    The kernel answers unread input with a reset, and the peer then never reads ``bye``.
    """
    async with AsyncExitStack() as stack:
        leaving = await stack.enter_async_context(AsyncExitStack())
        node = await leaving.enter_async_context(running_node(MemoryStore(clock_ms), drain_s=5.0))
        await node.live()
        path = "/v1/rooms/nowhere/push" if ending == "refusal" else "/v1/rooms/r1/push"
        claims = {"exp": time.time() + 0.3} if ending == "expiry" else {}
        reader, writer = await upgraded(
            node,
            path,
            f"Authorization: {auth('bob', **claims)['Authorization']}",
            "Sec-WebSocket-Protocol: seatsync.v1",
        )
        node.bare.clear()  # this test alone says when the connection ends
        stack.callback(writer.transport.abort)
        drained = None
        if ending == "drain":
            drained = asyncio.create_task(leaving.aclose())
        code = await close_code(reader)
        assert code == {"drain": 4000, "expiry": 4500, "refusal": 4502}[ending]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.read()
        writer.write(client_frame(CLOSE, struct.pack("!H", code)))
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        await hang_up(writer)
        if drained is not None:
            await drained
