"""Rooms over HTTP: create one, command it, ask where its video is."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway.api.requests import actor, body, check_json, room_id
from gateway.config import Stream
from gateway.gateway import Gateway
from room import wire
from room.commands import read_envelope, read_new_room, read_request
from room.errors import SeatsyncError

NO_STORE = {"Cache-Control": "no-store"}


class Created(msgspec.Struct, frozen=True):
    """The answer to the wish for a room."""

    room: str
    changed: bool
    epoch: int
    version: int


class Media(msgspec.Struct, frozen=True):
    """What a player needs."""

    streams: tuple[Stream, ...]
    orientation: str = "landscape"


def json_response(value: object, status: int = 200) -> web.Response:
    """Answer with JSON that no cache keeps."""
    return web.Response(
        status=status,
        body=wire.encode(value),
        content_type="application/json",
        headers=NO_STORE,
    )


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file."""

    async def create(request: web.Request) -> web.Response:
        who = actor(gateway, request)
        room = room_id(request)
        text = await body(request)
        if text:
            check_json(request)
        stored, created = await gateway.rooms.create(room, who, read_new_room(text))
        answer = Created(room, created, *stored.position)
        return json_response(answer, 201 if created else 200)

    async def command(request: web.Request) -> web.Response:
        name = "unknown"
        try:
            who = actor(gateway, request)
            room = room_id(request)
            check_json(request)
            envelope = read_envelope(await body(request))
            name = envelope.cmd
            wish = read_request(envelope, request.headers.get("Idempotency-Key"))
            ack = await gateway.rooms.execute(room, who, wish)
        except SeatsyncError as error:
            gateway.metrics.count_command(name, error.code)
            raise
        gateway.metrics.count_command(name, "ok")
        return json_response(ack)

    async def media(request: web.Request) -> web.Response:
        room = room_id(request)
        if not gateway.config.streams:
            raise SeatsyncError("no stream is configured here", code="DOC_NOT_FOUND")
        streams = tuple(
            msgspec.structs.replace(stream, url=stream.url.replace("{room}", room))
            for stream in gateway.config.streams
        )
        return json_response(Media(streams))

    return [
        web.put("/v1/rooms/{room}", create),
        web.post("/v1/rooms/{room}/commands", command),
        web.get("/v1/rooms/{room}/media", media),
    ]
