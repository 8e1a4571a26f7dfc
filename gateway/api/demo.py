"""Tokens for visitors of the demo page: on loopback, and only while the demo runs."""

from __future__ import annotations

import ipaddress
from typing import Final

import msgspec
from aiohttp import web

from gateway.api.requests import body, check_json, host_of
from gateway.api.rooms import json_response
from gateway.gateway import Gateway
from gateway.tokens.authenticator import issue
from room import wire
from room.errors import InvalidArgument, SeatsyncError

TOKEN_TTL_S: Final = 3600


class Wish(msgspec.Struct, frozen=True):
    """Whom a visitor wants to act as."""

    user: str


_WISH: Final = msgspec.json.Decoder(Wish)


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file; none where there is nobody to act as."""
    people = {user.user_id: user for user in gateway.config.demo_users}

    async def users(request: web.Request) -> web.Response:
        _check_local(request)
        return json_response({"users": list(people.values())})

    async def token(request: web.Request) -> web.Response:
        _check_local(request)
        check_json(request)
        person = people.get(wire.read(_WISH, await body(request)).user)
        if person is None:
            raise InvalidArgument("there is no such demo user")
        expires_at_s = gateway.clock_ms() // 1000 + TOKEN_TTL_S
        claims = {"sub": person.user_id, "nickname": person.nickname, "exp": expires_at_s}
        signed = issue(gateway.config.secret, claims)
        return json_response({"token": signed, "expires_at": expires_at_s})

    if not people:
        return []
    return [web.get("/demo/users", users), web.post("/demo/token", token)]


def _check_local(request: web.Request) -> None:
    """Serve this machine alone.

    The name in ``Host`` is checked too: a page elsewhere may have its own name point at 127.0.0.1.

    Raises:
        SeatsyncError: ``FORBIDDEN``.
    """
    if not (_is_loopback(request.remote or "") and _is_loopback(_host_name(host_of(request)))):
        raise SeatsyncError("demo tokens are handed out on loopback only", code="FORBIDDEN")


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
