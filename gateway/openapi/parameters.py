"""What requests carry beside their body, and what answers say in their headers."""

from __future__ import annotations

from typing import Any, Final

from gateway.openapi.examples import POSITION as WHERE
from gateway.openapi.words import ENTITY_TAG, EXTERNAL_NAME, POSITION, ROOM
from poller.answer import CACHE_CONTROL, VARY

Part = dict[str, Any]

PARAMETERS: Final[dict[str, Part]] = {
    "room": {
        "name": "room",
        "in": "path",
        "required": True,
        "description": "Which room.",
        "schema": {"type": "string", "pattern": ROOM},
        "example": "demo",
    },
    "name": {
        "name": "name",
        "in": "path",
        "required": True,
        "description": "Which document of a service, without the `x-`.",
        "schema": {"type": "string", "pattern": f"^{EXTERNAL_NAME}$"},
        "example": "score",
    },
    "after": {
        "name": "after",
        "in": "query",
        "description": "Where the reader stands: answered by 204 unless there is something newer. "
        "A position ahead of this node makes it ask the store once.",
        "schema": {"type": "string", "pattern": POSITION},
        "example": str(WHERE),
    },
    "wait": {
        "name": "wait",
        "in": "query",
        "description": "For how many seconds a poll with `after` is held until there is something "
        "newer: a decimal number, 25 at most.",
        "schema": {"type": "string", "pattern": r"^[0-9]+(\.[0-9]*)?$", "maxLength": 12},
        "example": "25",
    },
    "schema": {
        "name": "schema",
        "in": "query",
        "description": "The highest schema of snapshots that the reader understands.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 999_999_999, "default": 1},
    },
    "docs": {
        "name": "docs",
        "in": "query",
        "description": "Names of 1 to 64 documents, with commas between them.",
        "schema": {"type": "string", "default": "state"},
        "example": "state,x-score",
    },
    "have": {
        "name": "have",
        "in": "query",
        "description": "What the reader holds already: `<doc>:<position>,…`. Only what is newer "
        "is sent.",
        "schema": {"type": "string"},
        "example": f"state:{WHERE}",
    },
    "platform": {
        "name": "platform",
        "in": "query",
        "description": "What the client runs on.",
        "schema": {"type": "string"},
    },
    "app": {
        "name": "app",
        "in": "query",
        "description": "Which client it is.",
        "schema": {"type": "string"},
    },
    "side": {
        "name": "side",
        "in": "query",
        "description": "`host` or `viewer`.",
        "schema": {"type": "string"},
        "example": "viewer",
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Entity tags that the reader holds, or `*`; compared weakly "
        "(RFC 9110 13.1.2).",
        "schema": {"type": "string"},
        "example": f'"{WHERE}"',
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "Set it only while it stands at one of these positions, or, with `*`, "
        "while it is there at all; compared strongly (RFC 9110 13.1.1).",
        "schema": {
            "type": "string",
            "pattern": r'^(\*|[ \t,]*((W/)?"[!#-~]*"[ \t]*(,[ \t,]*|$))*)$',
        },
        "example": f'"{WHERE.epoch}.7"',
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Stands for `cmd_id`; where both are sent they must be equal.",
        "schema": {"type": "string"},
        "example": "9f2c7a",
    },
    "Last-Event-ID": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "As `have`; browsers send it by themselves when they come back.",
        "schema": {"type": "string"},
        "example": f"state:{WHERE}",
    },
}

HEADERS: Final[dict[str, Part]] = {
    "ETag": {
        "description": "The position in quotes, with `-m` for the member view and `.gz` for the "
        "gzip-coded answer.",
        "required": True,
        "schema": {"type": "string", "pattern": ENTITY_TAG},
    },
    "Cache-Control": {
        "description": "The anonymous view may be shared for a moment, the member view may not.",
        "required": True,
        "schema": {"enum": sorted(CACHE_CONTROL.values())},
    },
    "Vary": {"required": True, "schema": {"type": "string", "pattern": f"^{VARY}"}},
    "Cache-Status": {
        "description": "Where the answer came from (RFC 9211); a negative ttl says that it is "
        "stale.",
        "required": True,
        "schema": {
            "type": "string",
            "pattern": "^seatsync; (hit(; ttl=-[0-9]+)?|fwd=miss(; collapsed)?)$",
        },
    },
    "Seatsync-Poll-Ms": {
        "description": "How often to poll from now on, in ms; spread it by ±20 %.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Repr-Digest": {
        "description": "SHA-256 of the snapshot (RFC 9530), on answers without a content coding. "
        "The same bytes have the same digest on every channel.",
        "schema": {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"},
    },
    "Age": {
        "description": "For how many seconds the snapshot has been held, where it is stale.",
        "schema": {"type": "integer", "minimum": 0},
    },
}


def parameters(*names: str) -> list[Part]:
    """Point to parameters."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def headers(*names: str) -> dict[str, Part]:
    """Point to headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
