"""The paths of those who change something: rooms, commands, documents of services."""

from __future__ import annotations

from typing import Any

from gateway.openapi import examples
from gateway.openapi.parameters import parameters
from gateway.openapi.problems import refusals
from gateway.openapi.reading import SOMEBODY, Operation, json_content


def create() -> Operation:
    """Describe how a room begins."""
    return {
        "operationId": "create_room",
        "tags": ["Rooms"],
        "summary": "Create a room, unless it is there",
        "description": "The caller becomes its owner. Somebody else does only where an operator "
        "says so; an operator must name an owner. The room begins without a session: "
        "`session.start` opens one. What the body says is what sessions have unless they say "
        "otherwise.",
        "security": SOMEBODY,
        "parameters": parameters("room"),
        "requestBody": {
            "required": False,
            "content": json_content("NewRoom", voice={"kind": "voice", "seat_count": 9}),
        },
        "responses": {
            "201": _answer("The room was created.", "Created", created=examples.created()),
            "200": _answer("It was there already, and stays as it is.", "Created"),
            **refusals(400, 401, 403, 413, 415, 429, 503),
        },
    }


def command() -> Operation:
    """Describe how a command is sent."""
    refused = refusals(400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 429, 503)
    return {
        "operationId": "command",
        "tags": ["Commands"],
        "summary": "Send one command",
        "description": "The server computes, commits, tells every reader, and then answers: "
        "whoever has the ack and polls the same node sees the change.\n\n"
        "`cmd_id` makes a resend safe: for 10 minutes at least the same command of the same "
        "user gets the first ack again. It stands in the body or in `Idempotency-Key`; both and "
        "different, or neither, is 400.\n\n"
        "20 commands a second are served per user, with bursts of 60; services are exempt.",
        "security": SOMEBODY,
        "parameters": parameters("room", "Idempotency-Key"),
        "requestBody": {
            "required": True,
            "content": json_content("Command", take=examples.take(), kick=examples.kick()),
        },
        "responses": {
            "200": _answer("Carried out, and durable.", "Ack", taken=examples.ack()),
            **refused,
        },
    }


def put_document() -> Operation:
    """Describe how a service sets its document."""
    return {
        "operationId": "put_document",
        "tags": ["Documents of services"],
        "summary": "Set a document of a service",
        "description": "A JSON object of at most 64 KB, nested at most 32 deep, no key twice in "
        "one object. For tokens of kind `service` whose `docs` name the document, or `*`. An "
        "equal value changes nothing.",
        "security": SOMEBODY,
        "parameters": parameters("room", "name", "If-Match"),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "examples": examples.named(score=examples.scores()),
                }
            },
        },
        "responses": {
            "200": _answer(
                "Where it stands now.",
                "Put",
                first={"changed": True, "epoch": examples.POSITION.epoch, "version": 1},
            ),
            **refusals(400, 401, 403, 404, 412, 413, 415, 429, 503),
        },
    }


def _answer(description: str, schema: str, **shown: Any) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {"Cache-Control": {"required": True, "schema": {"const": "no-store"}}},
        "content": json_content(schema, **shown),
    }
