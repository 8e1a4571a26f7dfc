"""Peers that leave at any moment, by FIN, by RST, or half: nothing is left of them."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from pathlib import Path
from typing import Any

from tests.e2e.edge.edge_crowd import polled
from tests.e2e.edge.edge_kit import HURRY, PATIENCE_S, Server, get, served
from tests.e2e.gateway.gateway_kit import auth, client_frame, upgrade

MOMENTS = 600


def moments(rng: random.Random, rooms: list[str]) -> tuple[bytes, bytes]:
    """Give a beginning, and what may be sent behind it, for a peer that leaves somewhere in it."""
    room = rng.choice(rooms)
    bearer = f"Authorization: {auth('bob')['Authorization']}"
    body = b'{"cmd":"seat.take","cmd_id":"k","args":{"seat_index":1}}'
    post = (
        f"POST /v1/rooms/{room}/commands HTTP/1.1\r\nHost: a\r\n{bearer}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    subscribe = f'{{"type":"subscribe","room":"{rng.choice(rooms)}","docs":["state"]}}'.encode()
    poll = get(f"/v1/rooms/{room}/state")
    choices = [
        (poll, poll),
        (get(f"/v1/rooms/{room}/state?after=9007199254740991.0&wait=20"), poll),
        (get(f"/v1/rooms/{room}/entry", bearer), poll),
        (upgrade(f"/v1/rooms/{room}/push", bearer), client_frame(9, b"x")),
        (upgrade("/v1/push", bearer), client_frame(1, subscribe) * 3),
        (get(f"/v1/rooms/{room}/events"), b""),
        (post, body),
        (post + body, poll),
        (get("/livez"), poll),
        (upgrade("/v1/rooms/none/push"), b""),
    ]
    return rng.choice(choices)


async def come_and_go(server: Server, rng: random.Random, rooms: list[str]) -> None:
    """Connect, send a part of it, and leave by FIN, by RST, or by half of a FIN."""
    reader, writer = await asyncio.open_connection(*server.address)
    first, behind = moments(rng, rooms)
    whole = first + behind
    writer.write(whole[: rng.choice((len(whole), len(first), rng.randrange(len(whole))))])
    for _ in range(rng.choice((0, 0, 1, 20))):
        await asyncio.sleep(0)
    connection = writer.get_extra_info("socket")
    if rng.random() < 0.3:
        async with asyncio.timeout(PATIENCE_S):
            writer.write_eof()
            await reader.read(rng.choice((1, 100000)))
    elif rng.random() < 0.5:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def test_nothing_is_left_of_those_who_leave_at_any_moment(start: Any, tmp_path: Path) -> None:
    """The rooms are cold at first, so that many leave while the store is read for them."""
    store = f"sqlite:{tmp_path / 'rooms.db'}"
    rooms = [f"leave-{number}" for number in range(100)]
    async with served(start, *HURRY, store=store) as first:
        for room in rooms:
            await first.node.live(room)
        await first.kill()
    async with served(start, *HURRY, store=store) as server:
        await server.node.metrics()
        files = server.open_files()
        rng = random.Random(7)
        for _ in range(MOMENTS // 50):
            await asyncio.gather(*(come_and_go(server, rng, rooms) for _ in range(50)))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = await server.node.metrics()
                open_ = [v for name, v in found.items() if name.startswith("seatsync_connections")]
                if sum(open_) == 0 and server.open_files() <= files:
                    break
                await asyncio.sleep(0.1)
        assert len(open_) == 2
        assert (await polled(server.address, rooms[0])).status == 200
        server.program.terminate()
        assert await server.program.ended(10) == 0
        log = server.program.log.read_text()
    assert '"level": "error"' not in log
    assert "Traceback" not in log
