"""The path of the public keys that readers of a stream verify its messages with."""

from __future__ import annotations

from typing import Any

from gateway.api.keys import CACHE_CONTROL
from gateway.openapi.parameters import parameters
from gateway.openapi.problems import refusals
from gateway.openapi.reading import Operation, json_content

_HEADERS = {
    "ETag": {"required": True, "schema": {"type": "string", "pattern": '^"[0-9a-f]{16}"$'}},
    "Cache-Control": {"required": True, "schema": {"const": CACHE_CONTROL}},
    "Access-Control-Allow-Origin": {"required": True, "schema": {"const": "*"}},
}


def keys() -> Operation:
    """Describe the key set."""
    return {
        "operationId": "stream_keys",
        "tags": ["Start of a page"],
        "summary": "The public keys of signed messages in streams",
        "description": "A JWK set (RFC 7517) of Ed25519 keys (RFC 8037). Pages of every origin "
        "may read it. While a key is rotated it holds the old one and the new one. Ask again "
        "where a message names a `kid` that is not in it, once a minute at most. 404 "
        "`NOT_FOUND` where no keys are configured.",
        "security": [],
        "parameters": parameters("If-None-Match"),
        "responses": {
            "200": {
                "description": "The keys that are trusted now.",
                "headers": _HEADERS,
                "content": json_content("KeySet", one={"keys": [_example()]}),
            },
            "304": {"description": "The reader holds it.", "headers": _HEADERS},
            **refusals(404),
        },
    }


def schema() -> dict[str, Any]:
    """Describe the key set itself."""
    names = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA"}
    key = {
        "type": "object",
        "properties": {
            **{name: {"const": value} for name, value in names.items()},
            "kid": {
                "description": "As messages name the key.",
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{1,32}$",
            },
            "x": {
                "description": "The key of 32 bytes in unpadded base64url.",
                "type": "string",
                "pattern": "^[A-Za-z0-9_-]{43}$",
            },
        },
        "required": ["kty", "crv", "kid", "use", "alg", "x"],
    }
    return {
        "description": "Keys, by which a reader trusts a stream (RFC 7517 5).",
        "type": "object",
        "properties": {"keys": {"type": "array", "maxItems": 32, "items": key}},
        "required": ["keys"],
    }


def _example() -> dict[str, str]:
    """Give the key of RFC 8037 A.2."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "kid": "2026-11",
        "use": "sig",
        "alg": "EdDSA",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
