"""The poll channel's driver on aiohttp: a request becomes a ``Poll``, an ``Answer`` a response."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.api.requests import caller, room_id
from gateway.bearer import Bearer
from gateway.gateway import Gateway
from gateway.push.mailbox import Key
from gateway.reading import find_readable
from gateway.schema import check_schema
from gateway.waiting import read_wait_s
from poller import Found, Poll, answer
from room.errors import SeatsyncError
from room.position import Position, parse_position
from room.snapshot import Published


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file."""

    async def poll(request: web.Request) -> web.Response:
        try:
            return await respond(request)
        except SeatsyncError as error:
            gateway.metrics.polls.labels(str(error.travel.status), "none").inc()
            raise

    async def respond(request: web.Request) -> web.Response:
        bearer = caller(gateway, request)
        room = room_id(request)
        check_schema(request.query.get("schema"))
        wish = _read_poll(request, bearer)
        gateway.limits.check_poll(bearer.actor)
        doc = request.match_info["doc"]
        wait_s = read_wait_s(request.query.get("wait"))
        found = await find_readable(gateway.rooms, bearer, room, doc, wish.after)

        def sign() -> None:
            """The caller is there: they have just asked, or their connection still stands."""
            if bearer.actor is not None and request.transport is not None:
                gateway.presence.touch(room, bearer.actor.user_id)

        sign()
        if wish.after is not None and wait_s and found.edition.position <= wish.after:
            found = await wait_for_newer(bearer, Key(room, doc), wish.after, wait_s, sign)
        status, headers, content = answer(found, wish, gateway.config.poll_interval_ms)
        gateway.metrics.polls.labels(str(status), found.freshness.value).inc()
        return web.Response(status=status, headers=list(headers), body=content or None)

    async def wait_for_newer(
        bearer: Bearer, key: Key, after: Position, wait_s: float, sign: Callable[[], None]
    ) -> Found[Published]:
        """Follow first and read then; what comes in between is not missed."""
        with gateway.waiting.following(key, bearer.view, after) as waiter:
            found = await find_readable(gateway.rooms, bearer, *key)
            if found.edition.position > after:
                return found
            is_newer = await waiter.wait(wait_s, sign)
        return await find_readable(gateway.rooms, bearer, *key) if is_newer else found

    others = "|".join(f"{name}$" for name in ("push", "events", "commands", "media", "entry"))
    return [web.get(f"/v1/rooms/{{room}}/{{doc:(?!{others})[^/]+}}", poll)]


def _read_poll(request: web.Request, bearer: Bearer) -> Poll:
    after = request.query.get("after")
    return Poll(
        view=bearer.view,
        if_none_match=", ".join(request.headers.getall("If-None-Match", ())),
        accept_encoding=", ".join(request.headers.getall("Accept-Encoding", ())),
        after=None if after is None else parse_position(after),
    )
