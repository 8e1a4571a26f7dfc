"""``x-`` documents: how another service sets its own."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway.api.requests import actor, body, check_json, room_id
from gateway.api.rooms import json_response
from gateway.commits.precondition import read_if_match
from gateway.gateway import Gateway
from room.errors import InvalidArgument
from room.names import check_doc


class Put(msgspec.Struct, frozen=True):
    """The answer to a document that was set."""

    changed: bool
    epoch: int
    version: int


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file."""

    async def put(request: web.Request) -> web.Response:
        who = actor(gateway, request)
        room = room_id(request)
        doc = check_doc(request.match_info["doc"])
        gateway.limits.check_command(who, room)  # a service passes; others get no flood of 403
        check_json(request)
        if "If-None-Match" in request.headers:  # to pass over a condition is to break it
            raise InvalidArgument("a document is set under If-Match, or under no condition")
        precondition = read_if_match(request.headers.getall("If-Match", ()))
        text = await body(request)
        stored, changed = await gateway.rooms.put_document(room, who, doc, text, precondition)
        return json_response(Put(changed, *stored.position))

    return [web.put("/v1/rooms/{room}/{doc:x-[^/]*}", put)]
