"""Browsers: which foreign origins may use the API (WHATWG Fetch 3.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from gateway.api import keys
from gateway.api.problems import PLAIN_HEADERS, problem_response
from gateway.api.requests import host_of
from gateway.edge.house import EXPOSED
from gateway.gateway import Gateway
from gateway.origins import ANY, Origins
from room.errors import SeatsyncError

PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, POST",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, If-None-Match, If-Match, Idempotency-Key, Last-Event-ID"
    ),
    "Access-Control-Max-Age": "7200",
}

PUBLIC: Final = frozenset({keys.PATH})
"""What pages of every origin may read: it is the same for everybody, and no secret."""

ORIGIN: Final = web.RequestKey("origin", str)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def cors(gateway: Gateway) -> Any:
    """Make the middleware that answers preflights and refuses foreign origins before any work."""
    origins = Origins(gateway.config.origins, gateway.config.public_url)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_public = request.path in PUBLIC
        # Said to everybody, asked or not: caches give one answer to all of them.
        origin = ANY if is_public else request.headers.get("Origin")
        if origin is None:
            return await handler(request)
        if not is_public and not origins.admits(origin, host_of(request), request.scheme):
            return problem_response(
                SeatsyncError("pages of that origin may not come here", code="FORBIDDEN")
            )
        request[ORIGIN] = origin
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return web.Response(status=204, headers=PREFLIGHT)
        return await handler(request)

    return middleware


def add_headers(gateway: Gateway) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Make what adds the headers that every answer has, streams included."""
    varies = bool(gateway.config.origins)

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.get(ORIGIN)
        if origin is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        if request.path not in PUBLIC and (origin is not None or varies):
            response.headers.add("Vary", "Origin")
        response.headers.update(PLAIN_HEADERS)

    return add
