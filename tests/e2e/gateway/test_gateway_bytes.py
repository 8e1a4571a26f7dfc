"""One set of bytes: every channel carries the same (PROTOCOL.md 1)."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json

import aiohttp
import pytest
from gateway_kit import OWNER, ROOM, Node, auth, position

STEPS = [
    (OWNER, "seat.take", {"seat_index": 0}),
    ("bob", "seat.take", {"seat_index": 3}),
    (OWNER, "seat.mute", {"seat_index": 3}),
    (OWNER, "seat.lock", {"seat_index": "all"}),
    ("bob", "seat.leave", {}),
    (OWNER, "session.end", {}),
]


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("user", [None, "bob"])
async def test_push_and_poll_carry_the_same_bytes_at_each_position(
    node: Node, user: str | None
) -> None:
    await node.create()
    await node.do(OWNER, "session.start")
    headers = auth(user)
    url = f"{node.url}/v1/rooms/{ROOM}/events"
    async with node.ws(user=user) as socket, node.session.get(url, headers=headers) as stream:
        for step in [None, *STEPS]:
            if step is not None:
                who, cmd, args = step
                await node.do(who, cmd, **args)
            polled = await node.poll(user=user)
            coded = await node.poll(user=user, headers={"Accept-Encoding": "gzip"})
            here = position(polled.json)
            bodies = [
                polled.body,
                gzip.decompress(coded.body),
                await by_ws(socket, here),
                await by_sse(stream, here),
            ]
            assert len({digest(body) for body in bodies}) == 1, here


async def by_ws(socket: aiohttp.ClientWebSocketResponse, here: str) -> bytes:
    async with asyncio.timeout(10):
        while True:
            text: str = await socket.receive_str()
            message = json.loads(text)
            if message["type"] == "snapshot" and position(message) == here:
                return text.encode()


async def by_sse(stream: aiohttp.ClientResponse, here: str) -> bytes:
    async with asyncio.timeout(10):
        while True:
            event = (await stream.content.readuntil(b"\n\n")).split(b"\n")
            if b"event: snapshot" not in event:
                continue
            (data,) = [line[6:] for line in event if line.startswith(b"data: ")]
            if position(json.loads(data)) == here:
                return data
