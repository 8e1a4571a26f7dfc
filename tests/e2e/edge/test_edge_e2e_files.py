"""A server that has run out of files (F25): who is there is served, and it recovers by itself."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from tests.e2e.edge.edge_crowd import follow, until
from tests.e2e.edge.edge_kit import HURRY, get, next_answer, served
from tests.e2e.gateway.gateway_kit import ROOM

LIMIT = 300
CALLERS = 400
FULL_FOR_S = 2.0


async def test_who_is_there_is_served_while_no_file_is_left_and_it_recovers(start: Any) -> None:
    async with served(start, *HURRY) as server:
        node = server.node
        await node.live()
        await node.do("bob", "seat.take", seat_index=1)
        await node.metrics()  # both listeners have a connection that is kept
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        readers = [await follow(server.address, ROOM) for _ in range(20)]
        poller, asks = await asyncio.open_connection(*server.address)
        callers = [await asyncio.open_connection(*server.address) for _ in range(CALLERS)]
        await until(lambda: server.open_files() >= LIMIT - 1)
        cpu_s = server.cpu_s()
        for number in range(10):
            ack = await node.do("bob", "seat.move", to=2 - number % 2)
            asks.write(get(f"/v1/rooms/{ROOM}/state"))
            assert (await next_answer(poller)).json["version"] == ack["version"]
            await asyncio.sleep(FULL_FOR_S / 10)  # CPU is measured while it is full
        spent_s = server.cpu_s() - cpu_s
        await until(lambda: {r.held for r in readers} == {(ack["epoch"], ack["version"])})
        for _, writer in callers:
            writer.transport.abort()
        await until(lambda: server.open_files() < LIMIT / 2)
        reader = await follow(server.address, ROOM)
        await until(lambda: reader.held is not None)
        assert (await node.poll()).status == 200
        asks.transport.abort()
        for one in (*readers, reader):
            assert one.transport is not None
            assert not one.transport.is_closing()
            one.abort()
    assert spent_s < FULL_FOR_S / 2 / 2, "it is busy with connections that it can't take"
