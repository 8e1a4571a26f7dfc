"""The body of a command: one schema each, told apart by ``cmd``."""

from __future__ import annotations

import inspect
from typing import Any, Final

from gateway.openapi.schemas import REF, Schema, incoming, ref
from gateway.openapi.words import POSITION
from room.commands import COMMANDS
from room.policy import POLICY

SENT: Final = {name: kind for name, kind in COMMANDS.items() if POLICY[name] != {"system"}}
"""Commands that somebody may send; the others are the server's own."""

_SHARED: Final[dict[str, Schema]] = {
    "CommandId": {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": 64,
        "description": "Names this command for good; the header `Idempotency-Key` may stand for "
        "it.",
    },
    "ExpectedPosition": {
        "type": ["string", "null"],
        "pattern": POSITION,
        "description": "Carry the command out only while `state` stands here; 412 otherwise.",
    },
}
_STANDINGS: Final = ("member", "seated", "admin", "owner", "operator", "reviewer")
_WHO: Final = {
    "member": "members",
    "seated": "whoever is seated",
    "admin": "admins",
    "owner": "the owner",
    "operator": "operators",
    "reviewer": "reviewers",
}


def schemas() -> dict[str, Schema]:
    """Describe each command by its name, and ``Command`` as one of them."""
    union = {
        "description": "One command. Unknown fields are ignored.",
        "oneOf": [ref(name) for name in SENT],
        "discriminator": {
            "propertyName": "cmd",
            "mapping": {name: REF.format(name=name) for name in SENT},
        },
    }
    return {"Command": union, **_SHARED, **{name: _schema(name) for name in SENT}}


def _schema(name: str) -> Schema:
    args = incoming(SENT[name])
    args.pop("description", None)
    must = "required" in args
    if not must:
        args["type"] = ["object", "null"]
    return {
        "description": f"{_sentence(name)}\n\nSent by {_senders(name)}.",
        "type": "object",
        "properties": {
            "cmd": {"const": name},
            "cmd_id": ref("CommandId"),
            "args": args,
            "if_version": ref("ExpectedPosition"),
        },
        "required": ["cmd", "args"] if must else ["cmd"],
    }


def _sentence(name: str) -> str:
    said: Any = inspect.getdoc(SENT[name])
    return str(said).replace("``ANY_SEAT``", "`-1`").replace("``", "`")


def _senders(name: str) -> str:
    who = [_WHO[standing] for standing in _STANDINGS if standing in POLICY[name]]
    return who[0] if len(who) == 1 else f"{', '.join(who[:-1])} and {who[-1]}"
