"""The public keys that readers of a stream verify its messages with (SEI.md 1)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.gateway import Gateway
from poller.conditional import read_conditions

PATH: Final = "/.well-known/seatsync-keys.json"
CACHE_CONTROL: Final = "public, max-age=300"


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file; none where no keys are configured."""
    published = gateway.keys
    if published is None:
        return []

    async def keys(request: web.Request) -> web.Response:
        newest = published.newest()
        headers = {"Cache-Control": CACHE_CONTROL, "ETag": newest.etag}
        held = read_conditions(", ".join(request.headers.getall("If-None-Match", ())))
        if held.any or newest.etag in held.tags:
            return web.Response(status=304, headers=headers)
        return web.Response(body=newest.body, content_type="application/json", headers=headers)

    return [web.get(PATH, keys)]
