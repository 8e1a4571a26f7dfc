"""The start of a page: everything in one answer."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.api.requests import base_url_of, caller, room_id
from gateway.bearer import Bearer
from gateway.entry import Entry, Reception, read_docs
from gateway.gateway import Gateway
from gateway.plan import Planner
from gateway.schema import check_schema
from room import wire

PUBLIC: Final = "public, max-age=1"
PRIVATE: Final = "private, no-store"


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file."""
    config = gateway.config
    reception = Reception(gateway.rooms, Planner(config), config.announcement, gateway.clock_ms)

    async def entry(request: web.Request) -> web.Response:
        bearer = caller(gateway, request)
        room = room_id(request)
        check_schema(request.query.get("schema"))
        docs = read_docs(request.query.get("docs"))
        gateway.limits.check_poll(bearer.actor)
        gathered = await reception.enter(room, bearer, docs, base_url_of(config, request))
        if bearer.actor is not None:
            gateway.presence.touch(room, bearer.actor.user_id)
        headers = {"Cache-Control": cache_control(gathered, bearer), "Vary": "Authorization"}
        return web.Response(
            body=wire.encode(gathered), content_type="application/json", headers=headers
        )

    return [web.get("/v1/rooms/{room}/entry", entry)]


def cache_control(entry: Entry, bearer: Bearer) -> str:
    """Let caches keep for a moment what is whole and for everybody, and nothing else."""
    return PUBLIC if bearer.actor is None and not entry.missing else PRIVATE
