"""What handlers take out of a request: the caller, the room, the body."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.config import BODY_TIMEOUT_S, MAX_BODY_BYTES
from gateway.gateway import Gateway
from gateway.tokens.authenticator import bearer_token
from gateway.tokens.bearer import Bearer
from room.actor import Actor
from room.errors import Malformed, SeatsyncError, Unauthenticated
from room.names import check_room


def caller(gateway: Gateway, request: web.Request) -> Bearer:
    """Say who calls, by the ``Authorization`` header.

    Raises:
        Unauthenticated: the header is there and does not hold.
    """
    token = bearer_token(request.headers.getall("Authorization", ()))
    return gateway.authenticator.authenticate(token)


def actor(gateway: Gateway, request: web.Request) -> Actor:
    """Say who calls where nobody may stay unknown.

    Raises:
        Unauthenticated: no token, or one that does not hold.
    """
    bearer = caller(gateway, request)
    if bearer.actor is None:
        raise Unauthenticated("this needs a token")
    return bearer.actor


def room_id(request: web.Request) -> str:
    """Take the room id from the path, checked on the decoded value.

    Raises:
        InvalidArgument: it is not well formed.
    """
    return check_room(request.match_info["room"])


async def body(request: web.Request) -> bytes:
    """Read the body of a JSON request, bounded in size and time.

    Raises:
        SeatsyncError: ``UNSUPPORTED_ENCODING``, ``TOO_LARGE``.
        Malformed: it does not arrive in time.
    """
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise SeatsyncError("send the body as it is", code="UNSUPPORTED_ENCODING")
    if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
        raise SeatsyncError("the body is over 64 KB", code="TOO_LARGE")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise Malformed("the body did not arrive in time") from None


def check_json(request: web.Request) -> None:
    """Refuse a body that says it is something else than JSON.

    Raises:
        SeatsyncError: ``UNSUPPORTED_ENCODING``.
    """
    if request.content_type not in ("application/json", "application/octet-stream"):
        raise SeatsyncError("send application/json", code="UNSUPPORTED_ENCODING")


def host_of(request: web.Request) -> str:
    """Give the ``Host`` as it was sent; aiohttp would ask the resolver where there is none."""
    return request.headers.get("Host", "")
