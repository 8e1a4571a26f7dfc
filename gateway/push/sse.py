"""The Server-Sent Events driver on aiohttp (WHATWG HTML 9.2): the mailbox out, nothing in."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec
from aiohttp import web

from gateway.api.requests import caller, room_id
from gateway.config import NO_PROGRESS_S, SSE_COMMENT_S
from gateway.gateway import Gateway
from gateway.push.entrance import read_wish
from gateway.push.mailbox import Item
from gateway.push.outgoing import Outgoing, retry_after_ms
from gateway.push.transport import abort_without_progress, keep_shallow, writable
from room import wire
from room.messages import Bye
from room.position import Position
from room.snapshot import Snapshot

log = logging.getLogger(__name__)

HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


COMMENT: Final = b":\n\n"


class Typed(msgspec.Struct):
    """The type of a message, which becomes the event's name."""

    type: str


_TYPED: Final = msgspec.json.Decoder(Typed)


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file."""

    async def events(request: web.Request) -> web.StreamResponse:
        bearer = caller(gateway, request)
        room = room_id(request)
        wish = read_wish(request.query, request.headers.get("Last-Event-ID"))
        response = web.StreamResponse(headers=HEADERS)
        with Outgoing(gateway, "sse", bearer, writable(request).abort) as outgoing:
            conversation = gateway.conversation(bearer, outgoing.mailbox, room)
            try:
                await conversation.open(wish.docs, wish.have, int(SSE_COMMENT_S * 1000))
                await response.prepare(request)
                await _write(response, request, outgoing, dict(wish.have))
            except ConnectionError:
                log.debug("an event stream was cut", extra={"conn": conversation.conn_id})
            finally:
                conversation.close()
        return response

    return [web.get("/v1/rooms/{room}/events", events, allow_head=False)]


async def _write(
    response: web.StreamResponse,
    request: web.Request,
    outgoing: Outgoing,
    sent: dict[str, Position],
) -> None:
    """Send what waits; a comment now and then shows both sides that the other is there."""
    transport, clock_s = writable(request), asyncio.get_running_loop().time
    keep_shallow(transport)
    chunk = f"retry: {retry_after_ms()}\n\n".encode()
    comment_at_s = clock_s() + SSE_COMMENT_S
    while True:
        with abort_without_progress(transport, NO_PROGRESS_S):
            await response.write(chunk)
        item = await outgoing.next(within_s=max(0.0, comment_at_s - clock_s()))
        chunk = b"" if item is None else event(item, sent)
        if clock_s() >= comment_at_s:
            chunk = COMMENT + chunk
            comment_at_s = clock_s() + SSE_COMMENT_S
        if isinstance(item, Bye):
            with abort_without_progress(transport, NO_PROGRESS_S):
                await response.write(chunk)
            return


def event(item: Item, sent: dict[str, Position]) -> bytes:
    """Write one item as an event; a snapshot's id names the positions of all documents so far."""
    if isinstance(item, Snapshot):
        sent[item.doc] = item.position
        ids = ",".join(f"{doc}:{position}" for doc, position in sent.items())
        return b"event: snapshot\nid: %s\ndata: %s\n\n" % (ids.encode(), item.body)
    body = wire.encode(item) if isinstance(item, Bye) else item
    return b"event: %s\ndata: %s\n\n" % (_TYPED.decode(body).type.encode(), body)
