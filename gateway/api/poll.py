"""The poll channel's driver on aiohttp: a request becomes a ``Poll``, an ``Answer`` a response."""

from __future__ import annotations

from aiohttp import web

from gateway.api.requests import caller, room_id
from gateway.bearer import Bearer
from gateway.gateway import Gateway
from poller import Found, Poll, answer
from room.errors import SeatsyncError
from room.names import check_doc
from room.policy import check_readable
from room.position import parse_position


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
        doc = check_doc(request.match_info["doc"])
        wish = _read_poll(request, bearer)
        found = await gateway.poller.find(room, wish.after)
        _check_document(found, doc, bearer)
        status, headers, content = answer(found, wish, gateway.config.poll_interval_ms)
        gateway.metrics.polls.labels(str(status), found.freshness.value).inc()
        return web.Response(status=status, headers=list(headers), body=content or None)

    return [web.get("/v1/rooms/{room}/{doc:(?!push$|events$|commands$|media$)[^/]+}", poll)]


def _read_poll(request: web.Request, bearer: Bearer) -> Poll:
    after = request.query.get("after")
    return Poll(
        view=bearer.view,
        if_none_match=", ".join(request.headers.getall("If-None-Match", ())),
        accept_encoding=", ".join(request.headers.getall("Accept-Encoding", ())),
        after=None if after is None else parse_position(after),
    )


def _check_document(found: Found, doc: str, bearer: Bearer) -> None:
    """Only ``state`` is there to be read yet.

    Raises:
        SeatsyncError: ``FORBIDDEN`` or ``DOC_NOT_FOUND``.
    """
    check_readable(doc, found.edition.stored.state, bearer.actor)
    if doc != "state":
        raise SeatsyncError("the room has no such document", code="DOC_NOT_FOUND")
