"""The whole document: what it is about, its paths, and what they are made of."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.documents import Put
from gateway.api.keys import PATH as KEYS_PATH
from gateway.api.problems import ProblemDetails
from gateway.api.rooms import Created, Media
from gateway.entry import Entry
from gateway.openapi import commands, examples, keys, problems, reading, writing
from gateway.openapi.parameters import HEADERS, PARAMETERS
from gateway.openapi.schemas import components, incoming
from room.commands import NewRoom
from room.messages import Ack
from room.snapshot import DocumentSnapshot, RequestsSnapshot, StateSnapshot

ABOUT: Final = """\
The seats of live rooms over HTTP. The server owns the seats of each room: callers send commands, \
the server computes, stores and tells everybody.

What a room is stands in documents. A **snapshot** is a whole document at a **position** \
`<epoch>.<version>`, and leaves by several channels as the same bytes: WebSocket, Server-Sent \
Events, polling, and inside the video. There is one rule for every reader: apply a snapshot if and \
only if its position is greater than the one held.

`PROTOCOL.md` has the rules around all of this, and the messages on the WebSocket. Every answer \
has `X-Content-Type-Options: nosniff`. Another method than those named here is 405 \
`METHOD_NOT_ALLOWED` with `Allow`, another path 404 `NOT_FOUND`. Unknown fields in requests are \
ignored, and answers may gain fields: ignore what you do not know."""

TAGS: Final = {
    "Rooms": "A room lasts; it has an owner, admins, bans and a configuration.",
    "Commands": "Everything that people do in a room: `seat.take`, `seat.kick`, `user.mute` …",
    "Polling": "The channel that always works, and the fallback of all others.",
    "Push": "Changes as they happen.",
    "Documents of services": "Other services tell the readers of a room what is theirs to tell.",
    "Start of a page": "What to ask for first.",
    "Health": "For load balancers and orchestrators.",
}

BEARER: Final = """\
A JWT, signed with HS256. Claims: `sub` (the user id), `exp`, `kind` (`member` unless it says \
`service` or `staff`), `roles` (of the platform: `operator`, `reviewer`), `nickname`, `avatar`, \
`docs` (which documents a service may set). Whether somebody is owner or admin is a matter of the \
room, not of the token. No token at all means anonymous; one that does not hold is 401."""

_OUTGOING: Final = (
    StateSnapshot,
    RequestsSnapshot,
    DocumentSnapshot,
    Ack,
    Created,
    Put,
    Entry,
    Media,
    ProblemDetails,
)


def build() -> dict[str, Any]:
    """Build the document; the same value at every call."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "seatsync",
            "version": "1",
            "summary": "Seats of live rooms, in sync on every channel.",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "http://127.0.0.1:8080",
                "description": "`seatsync serve`, unless it is told otherwise.",
            }
        ],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": BEARER,
                }
            },
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": _responses(),
            "schemas": {
                **commands.schemas(),
                "NewRoom": incoming(NewRoom),
                **components(_OUTGOING),
                **problems.schemas(),
                "Event": reading.event(),
                "KeySet": keys.schema(),
                "Health": _health("live", "ready", "draining"),
            },
        },
    }


def paths() -> dict[str, Any]:
    """Describe every path that clients use."""
    room = "/v1/rooms/{room}"
    return {
        room: {"put": writing.create()},
        f"{room}/commands": {"post": writing.command()},
        f"{room}/state": {"get": reading.poll_state()},
        f"{room}/requests": {"get": reading.poll_requests()},
        f"{room}/x-{{name}}": {
            "get": reading.poll_external(),
            "put": writing.put_document(),
        },
        f"{room}/push": {"get": reading.push(of_room=True)},
        "/v1/push": {"get": reading.push(of_room=False)},
        f"{room}/events": {"get": reading.events()},
        f"{room}/entry": {"get": reading.entry()},
        f"{room}/media": {"get": reading.media()},
        KEYS_PATH: {"get": keys.keys()},
        "/livez": {"get": _probe("livez", "Whether the process lives", "live")},
        "/readyz": {"get": _probe("readyz", "Whether it may take traffic", "ready")},
    }


def _probe(name: str, summary: str, status: str) -> dict[str, Any]:
    answers = {"200": _health_response("Yes.", status)}
    if status == "ready":
        answers["503"] = _health_response("Not now: it is starting or leaving.", "draining")
    return {
        "operationId": name,
        "tags": ["Health"],
        "summary": summary,
        "security": [],
        "responses": answers,
    }


def _health_response(description: str, status: str) -> dict[str, Any]:
    content = reading.json_content("Health", **{status: {"status": status}})
    return {"description": description, "content": content}


def _health(*statuses: str) -> dict[str, Any]:
    return {
        "description": "How the process is.",
        "type": "object",
        "properties": {"status": {"enum": list(statuses)}},
        "required": ["status"],
    }


def _responses() -> dict[str, Any]:
    """Give the refusals, two of them with what they look like."""
    described = problems.responses()
    for name, shown in (
        ("Conflict", examples.named(occupied=examples.occupied())),
        ("ServiceUnavailable", examples.named(away=examples.away())),
    ):
        described[name]["content"]["application/problem+json"]["examples"] = shown
    return described
