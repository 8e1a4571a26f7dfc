"""Serve a live stream as HTTP-FLV."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, cast

from aiohttp import web

from room.errors import InvalidArgument
from sei.outputs.old_fanout import LiveStream

_log: Final = logging.getLogger(__name__)
STALL_S: Final = 10.0
"""A player that takes no byte for this long is aborted."""
IDLE_TIMEOUT_S: Final = 15.0
"""Also bounds a header that never ends."""
BACKLOG: Final = 4096
_BUFFER_BYTES: Final = 64 * 1024
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Server": "seatsync",
    "X-Content-Type-Options": "nosniff",
}
_CODES: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(
    room: str, stream: LiveStream, listen: tuple[str, int], *, stall_s: float = STALL_S
) -> AsyncIterator[int]:
    """Serve ``/live/<room>.flv`` and ``/livez`` while the block runs; give the port.

    Raises:
        InvalidArgument: the address cannot be listened on.
    """
    app = web.Application(middlewares=[_problems])
    app.router.add_get("/livez", _livez, allow_head=False)
    app.router.add_get("/live/{name}", _live(room, stream, stall_s), allow_head=False)
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=1.0,
        keepalive_timeout=IDLE_TIMEOUT_S,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, *listen, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            host, port = listen
            raise InvalidArgument(f"cannot listen on {host}:{port}: {error.strerror}") from error
        yield runner.addresses[0][1]
    finally:
        stream.close()
        await runner.cleanup()


def _live(room: str, stream: LiveStream, stall_s: float) -> _Handler:
    async def live(request: web.Request) -> web.StreamResponse:
        if request.match_info["name"] != f"{room}.flv":
            raise web.HTTPNotFound
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "video/x-flv"})
        player = stream.join()
        try:
            _bound_buffers(request)
            await response.prepare(request)
            await _send(player.take, response, request, stall_s)
        except ConnectionResetError:
            _log.debug("a player left")
        finally:
            stream.leave(player)
        return response

    return live


async def _send(
    take: Callable[[], Awaitable[bytes | None]],
    response: web.StreamResponse,
    request: web.Request,
    stall_s: float,
) -> None:
    while (batch := await take()) is not None:
        for start in range(0, len(batch), _BUFFER_BYTES):  # a large keyframe on a thin line
            try:
                async with asyncio.timeout(stall_s):
                    await response.write(batch[start : start + _BUFFER_BYTES])
            except TimeoutError:
                _log.info("a player took nothing for %.1f s", stall_s)
                if request.transport is not None:
                    request.transport.abort()
                return


def _bound_buffers(request: web.Request) -> None:
    """Keep what waits in front of the network small: what is there cannot be skipped any more."""
    if request.transport is None:
        return
    # No isinstance: the transports of uvloop are of no class of asyncio's.
    transport = cast("asyncio.WriteTransport", request.transport)
    transport.set_write_buffer_limits(high=_BUFFER_BYTES)
    peer: socket.socket | None = transport.get_extra_info("socket")
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # not on every system
    if peer is not None and option is not None:
        peer.setsockopt(socket.IPPROTO_TCP, option, _BUFFER_BYTES)


async def _livez(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ok"}, headers=_HEADERS)


@web.middleware
async def _problems(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Answer every refusal as problem+json (RFC 9457)."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        problem = {
            "title": error.reason,
            "status": error.status,
            "code": _CODES.get(error.status, "INVALID_ARGUMENT"),
            "retryable": False,
        }
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return web.json_response(
            problem,
            status=error.status,
            headers={**_HEADERS, **allow},
            content_type="application/problem+json",
        )
