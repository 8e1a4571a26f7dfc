"""The rival on ``websockets``: its ``broadcast``, without compression and pings.

usage: python -m bench.edge.peer_websockets PORT
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as serve_websockets

from bench.edge.peer_aiohttp import lines


async def serve(port: int) -> None:
    """Serve until standard input ends."""
    connections: set[ServerConnection] = set()

    async def push(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            connections.discard(connection)

    async with serve_websockets(
        push, "127.0.0.1", port, compression=None, ping_interval=None, backlog=4096
    ):
        async for line in lines():
            broadcast(connections, line)
            await asyncio.sleep(0)  # see peer_aiohttp
            print("ok", flush=True)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
