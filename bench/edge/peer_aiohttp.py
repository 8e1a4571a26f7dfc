"""The rival on aiohttp: ``send_str`` to each WebSocket; optionally with a check of tokens.

usage: python -m bench.edge.peer_aiohttp PORT [SECRET]

Each line on standard input is broadcast, then "ok" is printed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import jwt
import uvloop
from aiohttp import web

GREETING = ('{"type":"welcome"}', '{"type":"policy"}', '{"type":"snapshot","version":1,"ts":1}')
"""What a checked connection is told first: as many messages as ours tells."""


async def serve(port: int, secret: str | None) -> None:
    """Serve until standard input ends."""
    sockets: set[web.WebSocketResponse] = set()

    async def push(request: web.Request) -> web.WebSocketResponse:
        if secret is not None:
            token = request.headers["Authorization"].removeprefix("Bearer ")
            jwt.decode(token, secret, algorithms=["HS256"])
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        sockets.add(socket)
        try:
            for text in GREETING if secret is not None else ():
                await socket.send_str(text)
            async for _ in socket:
                pass
        finally:
            sockets.discard(socket)
        return socket

    app = web.Application()
    app.router.add_get("/push", push)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    async for line in lines():
        for socket in tuple(sockets):
            await socket.send_str(line)
        await asyncio.sleep(0)  # lines that are there already would keep the loop from all else
        print("ok", flush=True)


async def lines() -> AsyncIterator[str]:
    """Say that all is ready, then give the lines of standard input."""
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        yield line.decode().rstrip("\n")


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
