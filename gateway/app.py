"""The API behind the front door, and the metrics: routes, middlewares and limits."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from gateway.api import demo, documents, health, keys, page, rooms
from gateway.api.cors import add_headers, cors
from gateway.api.problems import problems
from gateway.config import MAX_BODY_BYTES
from gateway.edge.framing import MAX_FIELDS
from gateway.gateway import Gateway

LIMITS: Final[dict[str, Any]] = {
    "keepalive_timeout": 0,  # a connection is lent for one request
    "tcp_keepalive": False,
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": MAX_FIELDS + 4,  # what the door adds to those that it took
    "access_log": None,
    "auto_decompress": False,
    "lingering_time": 2.0,
}


def public_app(gateway: Gateway) -> web.Application:
    """Build what answers the requests that are not the door's."""
    app = web.Application(middlewares=[problems, cors(gateway)], client_max_size=MAX_BODY_BYTES)
    for group in (
        rooms.routes(gateway),
        documents.routes(gateway),
        health.routes(gateway),
        keys.routes(gateway),
        demo.routes(gateway),
        page.routes(),
    ):
        app.add_routes(group)
    app.on_response_prepare.append(add_headers(gateway))
    return app


def metrics_app(gateway: Gateway) -> web.Application:
    """Build what faces the people on call, on a listener of its own."""
    app = web.Application(middlewares=[problems])
    app.add_routes(health.metrics_routes(gateway))
    return app
