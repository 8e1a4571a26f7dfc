"""The paths of those who read: polls, push, and what a page needs at its start."""

from __future__ import annotations

from typing import Any, Final

from gateway.openapi import examples
from gateway.openapi.parameters import headers, parameters
from gateway.openapi.problems import refusals
from gateway.openapi.schemas import ref
from gateway.openapi.words import EXTERNAL_NAME, POSITION

Operation = dict[str, Any]

ANYBODY: Final[list[dict[str, list[str]]]] = [{}, {"bearer": []}]
"""With a token or without one."""
SOMEBODY: Final[list[dict[str, list[str]]]] = [{"bearer": []}]

DOC_AT: Final = rf"(state|requests|play|x-{EXTERNAL_NAME}):{POSITION[1:-1]}"
_CONDITIONAL: Final = ("ETag", "Cache-Control", "Vary", "Cache-Status", "Seatsync-Poll-Ms", "Age")


def json_content(schema: str, **shown: Any) -> dict[str, Any]:
    """Describe a JSON body by the name of its schema."""
    content: dict[str, Any] = {"schema": ref(schema)}
    if shown:
        content["examples"] = examples.named(**shown)
    return {"application/json": content}


def poll(doc: str, schema: str, summary: str, description: str, **shown: Any) -> Operation:
    """Describe the poll of one document."""
    path = ("room", "name") if doc == "external" else ("room",)
    return {
        "operationId": f"poll_{doc}",
        "tags": ["Polling"],
        "summary": summary,
        "description": description,
        "security": ANYBODY,
        "parameters": parameters(*path, "after", "wait", "schema", "If-None-Match"),
        "responses": {
            "200": {
                "description": "The whole document: the same bytes as on every other channel.",
                "headers": headers(*_CONDITIONAL, "Repr-Digest"),
                "content": json_content(schema, **shown),
            },
            "204": {
                "description": "Nothing newer than `after`, up to the end of the wait.",
                "headers": {
                    "Cache-Control": {"required": True, "schema": {"const": "no-store"}},
                    **headers("Vary", "Seatsync-Poll-Ms"),
                },
            },
            "304": {
                "description": "The reader holds it: see `If-None-Match`.",
                "headers": headers(*_CONDITIONAL),
            },
            **refusals(400, 401, 403, 404, 426, 429, 503),
        },
    }


def poll_state() -> Operation:
    """Describe the poll of the seats."""
    return poll(
        "state",
        "StateSnapshot",
        "Read the session and its seats",
        "Without a token this is the anonymous view: no ids, no pictures, nicknames masked. With "
        "any valid token it is the member view.\n\n"
        "Apply a snapshot if and only if its position is greater than the one held. While the "
        "store is away what is in memory is served, with `Age` and a stale `Cache-Status`.",
        member=examples.state("member"),
        anonymous=examples.state("anonymous"),
    )


def poll_requests() -> Operation:
    """Describe the poll of the queue."""
    return poll(
        "requests",
        "RequestsSnapshot",
        "Read who asks for a seat, and who is invited",
        "For the owner and the admins of the room alone.",
        waiting=examples.requests(),
    )


def poll_external() -> Operation:
    """Describe the poll of a service's document."""
    return poll(
        "external",
        "DocumentSnapshot",
        "Read the document of a service",
        "Whoever may read the room may read it.",
        score=examples.document(),
    )


def entry() -> Operation:
    """Describe what a page asks for first."""
    return {
        "operationId": "enter",
        "tags": ["Start of a page"],
        "summary": "Everything a page needs, in one answer",
        "description": "Documents, what the caller may send, and which channels to use. A part "
        "that can't be had just now is left out and named in `missing`.",
        "security": ANYBODY,
        "parameters": parameters("room", "docs", "schema"),
        "responses": {
            "200": {
                "description": "What is known now.",
                "headers": {
                    "Cache-Control": {
                        "required": True,
                        "schema": {"enum": ["private, no-store", "public, max-age=1"]},
                    },
                    **headers_vary("Authorization"),
                },
                "content": json_content("Entry", entry=examples.entry()),
            },
            **refusals(400, 401, 403, 404, 426, 429, 503),
        },
    }


def media() -> Operation:
    """Describe what a player asks for."""
    return {
        "operationId": "media",
        "tags": ["Start of a page"],
        "summary": "Where the video of a room is",
        "description": "From the configuration alone: answered while the store is away, and for "
        "rooms that do not exist. 404 `DOC_NOT_FOUND` where no stream is configured.",
        "security": ANYBODY,
        "parameters": parameters("room"),
        "responses": {
            "200": {
                "description": "The streams.",
                "content": json_content("Media", flv=examples.media()),
            },
            **refusals(400, 401, 403, 404),
        },
    }


def push(*, of_room: bool) -> Operation:
    """Describe the WebSocket; what goes over it is described elsewhere."""
    first = parameters("room") if of_room else []
    if of_room:
        first += parameters("docs", "have")
    return {
        "operationId": "push_room" if of_room else "push",
        "tags": ["Push"],
        "summary": "A WebSocket of one room" if of_room else "A WebSocket over many rooms",
        "description": "An upgrade (RFC 6455) to the subprotocol `seatsync.v1`. Browsers, which "
        "can't set headers here, offer the token as a second subprotocol `bearer.<JWT>`. "
        "PROTOCOL.md 6 has the messages.\n\n"
        "Where `seatsync.v1` was offered, a refusal is a 101 with a `bye` and a close code, "
        "since browsers hide the status of a failed upgrade.",
        "security": ANYBODY,
        "parameters": [*first, *parameters("schema", "platform", "app", "side")],
        "responses": {
            "101": {
                "description": "The connection is a WebSocket from here on.",
                "headers": {"Sec-WebSocket-Protocol": {"schema": {"const": "seatsync.v1"}}},
            },
            **refusals(400, 401, 403, 404, 426, 429, 503),
        },
    }


def events() -> Operation:
    """Describe the event stream."""
    return {
        "operationId": "events",
        "tags": ["Push"],
        "summary": "Server-Sent Events of one room",
        "description": "Every snapshot is an event `snapshot` whose id names the positions of "
        "all documents so far; other messages of the server are events of their type. A comment "
        "line every 15 s shows that both sides are there.",
        "security": ANYBODY,
        "parameters": parameters("room", "docs", "have", "schema", "Last-Event-ID"),
        "responses": {
            "200": {
                "description": "The stream, which does not end by itself.",
                "headers": {
                    "Cache-Control": {"required": True, "schema": {"const": "no-store"}},
                },
                "content": {
                    "text/event-stream": {
                        "schema": ref("Event"),
                        "examples": examples.named(snapshot=examples.event()),
                    }
                },
            },
            **refusals(400, 401, 403, 404, 426, 429, 503),
        },
    }


def event() -> Operation:
    """Describe one event of the stream."""
    return {
        "description": "One event (WHATWG HTML 9.2).",
        "type": "object",
        "properties": {
            "event": {
                "description": "The `type` of the message.",
                "enum": [
                    *("welcome", "policy", "snapshot", "error", "request"),
                    *("speaking", "online", "event", "plan", "bye"),
                ],
            },
            "id": {
                "description": "Of a snapshot: the positions of all documents so far, for "
                "`Last-Event-ID`.",
                "type": "string",
                "pattern": rf"^{DOC_AT}(,{DOC_AT})*$",
            },
            "data": {
                "description": "The message; of a snapshot the same bytes as on every channel.",
                "type": "string",
                "contentMediaType": "application/json",
            },
            "retry": {
                "description": "Comes first: how long to wait before coming back, in ms; "
                "spread, so that not all come at once.",
                "type": "integer",
                "minimum": 0,
            },
        },
    }


def headers_vary(on: str) -> dict[str, Any]:
    """Describe a ``Vary`` that begins with one header."""
    return {"Vary": {"required": True, "schema": {"type": "string", "pattern": f"^{on}"}}}
