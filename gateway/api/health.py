"""Whether the process lives, and whether it may take traffic."""

from __future__ import annotations

from aiohttp import web

from gateway.api.problems import PLAIN_HEADERS
from gateway.api.rooms import json_response
from gateway.gateway import Gateway


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file."""

    async def live(_: web.Request) -> web.Response:
        return json_response({"status": "live"})

    async def ready(_: web.Request) -> web.Response:
        if gateway.connections.draining:
            return json_response({"status": "draining"}, 503)
        return json_response({"status": "ready"})

    return [web.get("/livez", live), web.get("/readyz", ready)]


def metrics_routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of the metrics listener."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=gateway.metrics.render(),
            headers={"Content-Type": "text/plain; version=0.0.4", **PLAIN_HEADERS},
        )

    return [web.get("/metrics", metrics)]
