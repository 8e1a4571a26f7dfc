"""Errors, by status: each code of the one table of the server stands under its own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from gateway.openapi.schemas import Schema, ref
from room.errors import TABLE

MEANINGS: Final = {
    400: "The request is not well formed, or an argument is out of range.",
    401: "A token is needed here, or the one that was sent does not hold.",
    403: "The token holds, and does not permit this; or the page of a foreign origin asks.",
    404: "There is no such room, seat, request or document.",
    409: "The room stands against it. `CONFLICT_RETRY` may be sent again as it is.",
    410: "The request for a seat has run out.",
    412: "The document is at another position than the condition says.",
    413: "The body is over 64 KB, or the room is full of documents.",
    415: "The body is no JSON, or it is content-coded.",
    422: "The `cmd_id` was used for another command, or the content was rejected.",
    426: "A WebSocket is served here, or the reader's `schema` is too old.",
    429: "Too much at once; `Retry-After` says when to come back.",
    503: "The store is away and nothing is held in memory, or this node takes no more.",
}

_SPREAD: Final = {
    "description": "In whole seconds; `retry_after_ms` of the body is finer.",
    "schema": {"type": "integer", "minimum": 0},
}
_HEADERS: Final[dict[int, Schema]] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
    409: {"Retry-After": _SPREAD},
    426: {"Upgrade": {"required": True, "schema": {"const": "websocket"}}},
    429: {"Retry-After": {**_SPREAD, "required": True}},
    503: {"Retry-After": {**_SPREAD, "required": True}},
}
_NO_STORE: Final = {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}}


def codes(status: int) -> list[str]:
    """Name every code that travels under a status, in the order of the table."""
    return [code for code, travel in TABLE.items() if travel.status == status]


def response_name(status: int) -> str:
    """Name the response of a status as HTTP does: ``NotFound``."""
    return HTTPStatus(status).phrase.title().replace(" ", "")


def refusals(*statuses: int) -> dict[str, Any]:
    """Point to the responses of an operation that refuse it."""
    return {
        str(status): {"$ref": f"#/components/responses/{response_name(status)}"}
        for status in statuses
    }


def responses() -> dict[str, Any]:
    """Describe the response of every status that refuses something."""
    return {response_name(status): _response(status) for status in MEANINGS}


def schemas() -> dict[str, Schema]:
    """Describe the body of every such response."""
    return {f"{response_name(status)}Problem": _schema(status) for status in MEANINGS}


def _response(status: int) -> dict[str, Any]:
    content = {"schema": ref(f"{response_name(status)}Problem")}
    return {
        "description": MEANINGS[status],
        "headers": {**_NO_STORE, **_HEADERS.get(status, {})},
        "content": {"application/problem+json": content},
    }


def _schema(status: int) -> Schema:
    may_pass = {TABLE[code].retryable for code in codes(status)}
    retryable = {"retryable": {"const": may_pass.pop()}} if len(may_pass) == 1 else {}
    return {
        "allOf": [ref("ProblemDetails")],
        "properties": {
            "status": {"const": status},
            "code": {"enum": codes(status)},
            **retryable,
        },
    }
