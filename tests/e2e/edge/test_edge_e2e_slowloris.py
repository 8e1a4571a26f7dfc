"""Requests that never end and answers that are never read (reliability F37): closed in time."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.edge.edge_crowd import narrow_socket, polled
from tests.e2e.edge.edge_kit import Server, get, served
from tests.e2e.gateway.gateway_kit import OWNER, ROOM, auth

CLOSED_WITHIN_S = 20.0
HEADERS = 300
BODIES = 100
IDLE = 100
UNREAD = 50
LONG_HEAD = f"GET /v1/rooms/{ROOM}/state HTTP/1.1\r\nHost: a\r\nX: ".encode() + b"a" * 300
LONG_BODY = (
    f"POST /v1/rooms/{ROOM}/commands HTTP/1.1\r\nHost: a\r\n"
    f"Authorization: {auth(OWNER)['Authorization']}\r\n"
    "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
).encode()
CHUNKS = LONG_BODY.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked")


class Dripping(asyncio.Protocol):
    """Sends its first bytes at once, and then one each second."""

    def __init__(self, at_once: bytes, drip: bytes) -> None:
        self.ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.answer = b""
        self._at_once = at_once
        self._drip = drip
        self._sent = 0
        self._next: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # of a stream
        self.transport.write(self._at_once)
        if self._drip:
            self._send_one()

    def _send_one(self) -> None:
        at = self._sent % len(self._drip)
        self.transport.write(self._drip[at : at + 1])
        self._sent += 1
        self._next = asyncio.get_running_loop().call_later(1.0, self._send_one)

    def data_received(self, data: bytes) -> None:
        self.answer += data

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next is not None:
            self._next.cancel()
        self.ended.set_result(time.monotonic())


ATTACKS = {
    "a head that drips": (LONG_HEAD[:40], LONG_HEAD[40:], HEADERS // 3),
    "a header line without end": (LONG_HEAD, b"a", HEADERS // 3),
    "headers without end": (LONG_HEAD, b"\r\nX: a", HEADERS // 6),
    "empty lines without end": (b"", b"\r\n", HEADERS // 6),
    "a body that drips": (LONG_BODY, b"{", BODIES // 2),
    "chunks that drip": (CHUNKS, b"1\r\n{\r\n", BODIES // 2),
    "nothing at all": (b"", b"", IDLE // 2),
    "one request and nothing more": (b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", b"", IDLE // 2),
}


async def attack(server: Server) -> dict[str, list[Dripping]]:
    """Open every connection of every attack."""
    loop = asyncio.get_running_loop()
    attackers: dict[str, list[Dripping]] = {}
    for name, (at_once, drip, count) in ATTACKS.items():
        attackers[name] = [
            (
                await loop.create_connection(
                    lambda first=at_once, rest=drip: Dripping(first, rest), *server.address
                )
            )[1]
            for _ in range(count)
        ]
    return attackers


async def keep_polling(server: Server, stop: asyncio.Event) -> list[float]:
    """Poll on new connections and on a kept one; gives how long each poll took."""
    took = []
    while not stop.is_set():
        began_s = time.monotonic()
        assert (await polled(server.address, ROOM)).status == 200
        assert (await server.node.poll()).status == 200
        took.append(time.monotonic() - began_s)
        await asyncio.sleep(0.02)
    return took


async def pour(connection: socket.socket) -> float:
    """Send polls for ever and read nothing; gives when that was cut off."""
    try:
        while True:
            request = get(f"/v1/rooms/{ROOM}/state") * 20
            await asyncio.get_running_loop().sock_sendall(connection, request)
    except ConnectionError:
        return time.monotonic()


@asynccontextmanager
async def unread(server: Server) -> AsyncIterator[list[asyncio.Task[float]]]:
    made = [narrow_socket() for _ in range(UNREAD)]
    for one in made:
        await asyncio.get_running_loop().sock_connect(one, tuple(server.address))
    pouring = [asyncio.create_task(pour(one)) for one in made]
    try:
        yield pouring
    finally:
        for task in pouring:
            task.cancel()
        await asyncio.gather(*pouring, return_exceptions=True)
        for one in made:
            one.close()


def last_end(ends: list[asyncio.Future[float]], began_s: float) -> float:
    return max(end.result() - began_s if end.done() else float("inf") for end in ends)


async def test_who_never_ends_a_request_is_closed_in_time_while_others_are_answered(
    start: Any,
) -> None:
    async with served(start) as server:
        await server.node.live(seat_count=50)
        began_s, rss_kib = time.monotonic(), server.rss_kib()
        attackers = await attack(server)
        ends = {name: [one.ended for one in some] for name, some in attackers.items()}
        stop = asyncio.Event()
        polls = asyncio.create_task(keep_polling(server, stop))
        async with unread(server) as pouring:
            ends["answers that are not read"] = list(pouring)
            everybody = [end for some in ends.values() for end in some]
            await asyncio.wait(everybody, timeout=CLOSED_WITHIN_S + 5)
            grown_kib = server.rss_kib() - rss_kib
            ended_s = {name: last_end(some, began_s) for name, some in ends.items()}
        stop.set()
        took = await polls
        for one in (one for some in attackers.values() for one in some):
            one.transport.abort()
    assert {name: at for name, at in ended_s.items() if at > CLOSED_WITHIN_S} == {}
    assert ended_s["answers that are not read"] > 9.0
    assert grown_kib < 16 * 1024
    assert len(took) > 100
    assert max(took) < 5.0, "polls had to wait for the attackers"
    for name in ("a body that drips", "chunks that drip"):
        assert {one.answer.split(b" ", 2)[1] for one in attackers[name]} <= {b"400", b"408"}
