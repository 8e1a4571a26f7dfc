"""Readers that stop, that go on, and that are very slow, beside healthy ones (reliability F22)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from tests.e2e.edge.edge_crowd import Reader, follow, narrow_socket, until
from tests.e2e.edge.edge_kit import HURRY, PATIENCE_S, Server, served
from tests.e2e.gateway.gateway_kit import ROOM, Node, auth, upgrade

STUCK = 100
HEALTHY = 100
SLOW_BYTES_PER_S = 3000
STALE_AT_MOST = 20
BEARER = f"Authorization: {auth('wanda')['Authorization']}"
OPEN = 'seatsync_connections{channel="ws"}'


async def crowd_the_room(node: Node) -> None:
    """Make the state large, so that sockets fill."""
    await node.live(seat_count=50)
    for seat in range(1, 48):
        await node.do(f"user-{seat}-{'x' * 40}", "seat.take", seat_index=seat)
    await node.do("bob", "seat.take", seat_index=48)


async def keep_changing(node: Node, stop: asyncio.Event) -> None:
    """Change a lot at once, so that sockets fill, and then steadily."""
    number = 0
    while not stop.is_set():
        await node.do("bob", "seat.move", to=49 - number % 2)
        number += 1
        if number > 50:
            await asyncio.sleep(0.1)


class Observation(NamedTuple):
    """What became of everybody."""

    ends: list[float]
    stale: int
    grown_kib: int
    seen_slowly: int
    left: float


class Idler:
    """A connection whose bytes are read by hand, or not at all."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = Reader()

    async def read_some(self, at_most: int) -> bool:
        """Read once; False at the end of the stream."""
        loop = asyncio.get_running_loop()
        try:
            data = await loop.sock_recv(self.connection, at_most)
        except ConnectionResetError:
            return False
        self.reader.data_received(data)
        return bool(data)

    async def read_until_newest(self, newest: tuple[int, int]) -> int:
        """Read on; gives how many snapshots came that were older than the newest."""
        stale = 0
        async with asyncio.timeout(PATIENCE_S):
            while self.reader.held is None or self.reader.held < newest:
                seen = self.reader.seen
                assert await self.read_some(1024), "it was cut off"
                is_new = self.reader.seen > seen
                stale += is_new and self.reader.held is not None and self.reader.held < newest
        return stale

    async def dawdle(self, stop: asyncio.Event) -> None:
        """Read so few bytes a second."""
        while not stop.is_set():
            assert await self.read_some(SLOW_BYTES_PER_S // 4), "it was cut off"
            await asyncio.sleep(0.25)


@asynccontextmanager
async def idlers(server: Server, count: int) -> AsyncIterator[list[Idler]]:
    made = [Idler(narrow_socket()) for _ in range(count)]
    loop = asyncio.get_running_loop()
    try:
        for idler in made:
            await loop.sock_connect(idler.connection, tuple(server.address))
            await loop.sock_sendall(idler.connection, upgrade(f"/v1/rooms/{ROOM}/push", BEARER))
        yield made
    finally:
        for idler in made:
            idler.connection.close()


async def ends_of(server: Server, stuck: int, began_s: float) -> list[float]:
    """Give when each of the stuck ones was cut off, as the server counts them."""
    before = HEALTHY + 2 + stuck
    ends: list[float] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(ends) < stuck:
            gone = int(before - (await server.node.metrics())[OPEN])
            ends += [time.monotonic() - began_s] * (gone - len(ends))
            await asyncio.sleep(0.1)
    return ends


async def pause_and_go_on(node: Node, idler: Idler) -> int:
    """Stop reading for a while that is shorter than the server's patience, then read on."""
    await asyncio.sleep(7)  # the pause is what is tested
    state = (await node.poll(user="wanda")).json
    return await idler.read_until_newest((state["epoch"], state["version"]))


@asynccontextmanager
async def at_work(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let some works go on meanwhile; one that fails, fails the test."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        await asyncio.gather(*tasks)


async def observed(server: Server, stop: asyncio.Event) -> Observation:
    """Let everybody do what they do, until all who are stuck are gone and 14 s are over."""
    began_s, rss_kib = time.monotonic(), server.rss_kib()
    async with idlers(server, STUCK + 2) as (paused, slow, *_):
        try:
            async with at_work(keep_changing(server.node, stop), slow.dawdle(stop)):
                resumed = asyncio.create_task(pause_and_go_on(server.node, paused))
                await asyncio.sleep(5)  # by now every stuck socket is full
                grown_kib = server.rss_kib() - rss_kib
                ends = await ends_of(server, STUCK, began_s)
                stale = await resumed
                await asyncio.sleep(max(0.0, began_s + 14 - time.monotonic()))
                stop.set()
        finally:
            stop.set()
        left = (await server.node.metrics())[OPEN]
    assert paused.reader.wrong == slow.reader.wrong == []
    return Observation(ends, stale, grown_kib, slow.reader.seen, left)


async def test_stuck_readers_are_cut_off_in_their_time_and_hurt_nobody(start: Any) -> None:
    async with served(start, *HURRY) as server:
        await crowd_the_room(server.node)
        healthy = await asyncio.gather(
            *(follow(server.address, ROOM, BEARER) for _ in range(HEALTHY))
        )
        await until(lambda: all(reader.held for reader in healthy))
        observation = await observed(server, asyncio.Event())
        state = (await server.node.poll()).json
        final = state["epoch"], state["version"]
        await until(lambda: {reader.held for reader in healthy} == {final})
        assert [reader.wrong for reader in healthy if reader.wrong] == []
        for reader in healthy:
            reader.abort()
    assert min(observation.ends) > 9.0
    assert max(observation.ends) < 14.0
    assert observation.grown_kib < STUCK * 64 + 8 * 1024
    assert observation.stale <= STALE_AT_MOST
    assert observation.seen_slowly > 0, "it was slow, and read nothing at all"
    assert observation.left == HEALTHY + 2
