"""Rooms over HTTP: create one, command it, ask where its video is."""

from __future__ import annotations

import msgspec
from aiohttp import web

from gateway.api.requests import actor, body, caller, check_json, room_id
from gateway.config import Orientation, Stream
from gateway.gateway import Gateway
from room import wire
from room.actor import Actor
from room.commands import Request, read_envelope, read_new_room, read_request
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
    orientation: Orientation


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
        room, who, wish = await read_command(request)
        try:
            ack = await gateway.rooms.execute(room, who, wish)
        finally:
            gateway.presence.touch(room, who.user_id)  # refused or not: they are there
        return json_response(ack)

    async def read_command(request: web.Request) -> tuple[str, Actor, Request]:
        """Read a command; one that is not well formed is counted here, the others by the room."""
        name = "unknown"
        try:
            who = actor(gateway, request)
            room = room_id(request)
            check_json(request)
            envelope = read_envelope(await body(request))
            name = envelope.cmd
            return room, who, read_request(envelope, request.headers.get("Idempotency-Key"))
        except SeatsyncError as error:
            gateway.metrics.count_command(name, error.code)
            raise

    async def media(request: web.Request) -> web.Response:
        """Tell players where to go, out of the configuration alone: no store, no memory."""
        caller(gateway, request)
        room = room_id(request)
        config = gateway.config
        if not config.streams:
            raise SeatsyncError("no stream is configured here", code="DOC_NOT_FOUND")
        streams = tuple(
            msgspec.structs.replace(stream, url=stream.url_of(room)) for stream in config.streams
        )
        return json_response(Media(streams, config.orientation))

    return [
        web.put("/v1/rooms/{room}", create),
        web.post("/v1/rooms/{room}/commands", command),
        web.get("/v1/rooms/{room}/media", media),
    ]
