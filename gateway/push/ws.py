"""The WebSocket driver on aiohttp (RFC 6455): frames in, the mailbox out."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from gateway.auth import bearer_token
from gateway.bearer import Bearer
from gateway.config import MAX_FRAME_BYTES, NO_PROGRESS_S
from gateway.gateway import Gateway
from gateway.push.conversation import Conversation
from gateway.push.entrance import SUBPROTOCOL, check_home, offered_token, read_wish
from gateway.push.mailbox import Item
from gateway.push.outgoing import Outgoing, farewell
from gateway.push.transport import abort_without_progress, keep_shallow, writable
from room import wire
from room.errors import SeatsyncError
from room.messages import Bye
from room.snapshot import Snapshot

CLOSE_TIMEOUT_S: Final = 2.0


def routes(gateway: Gateway) -> list[web.RouteDef]:
    """Give the routes of this file."""

    async def push(request: web.Request) -> web.StreamResponse:
        """Refuse inside the WebSocket where the client speaks our subprotocol.

        Browsers hide the status of a failed upgrade.
        """
        offered = _offered(request)
        try:
            return await _serve(gateway, request, offered)
        except SeatsyncError as error:
            by_http = error.code == "RATE_LIMITED" or SUBPROTOCOL not in offered
            if by_http or not _is_upgrade(request):
                raise
            return await _refuse(gateway, request, error)

    paths = ("/v1/rooms/{room}/push", "/v1/push")
    return [web.get(path, push, allow_head=False) for path in paths]


async def _serve(
    gateway: Gateway, request: web.Request, offered: tuple[str, ...]
) -> web.WebSocketResponse:
    """Serve one connection: everything that can be refused is refused before the upgrade."""
    if not _is_upgrade(request):
        raise SeatsyncError("this is a WebSocket of version 13", code="UPGRADE_REQUIRED")
    bearer = _bearer(gateway, request, offered)
    home = check_home(request.match_info.get("room"))
    wish = read_wish(request.query)
    with Outgoing(gateway, "ws", bearer, writable(request).abort) as outgoing:
        conversation = gateway.conversation(bearer, outgoing.mailbox, home)
        try:
            ping_ms = int(gateway.config.ping_interval_s * 1000)
            await conversation.open(wish.docs, wish.have, ping_ms)
            socket = await _upgrade(gateway, request)
            await _run(socket, request, conversation, outgoing)
        finally:
            conversation.close()
    return socket


async def _run(
    socket: web.WebSocketResponse,
    request: web.Request,
    conversation: Conversation,
    outgoing: Outgoing,
) -> None:
    """Read and write at the same time; the end of either is the end of the other.

    A goodbye is closed when nobody reads any more: only then does aiohttp wait for the peer's close
    frame, and closing at once could destroy our own last frames (RFC 6455 7.1.1).
    """
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_read(socket, conversation, outgoing))
        writing = group.create_task(_write(socket, request, outgoing))
        reading.add_done_callback(lambda _: writing.cancel())
        writing.add_done_callback(lambda _: reading.cancel())
    bye = None if writing.cancelled() else writing.result()
    if bye is not None:
        await _close(socket, request, bye)


async def _read(
    socket: web.WebSocketResponse, conversation: Conversation, outgoing: Outgoing
) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await outgoing.wait_for_space()
            if outgoing.mailbox.is_leaving:
                continue
            await conversation.receive(message.data.encode())
        elif message.type is WSMsgType.BINARY:
            await socket.close(code=WSCloseCode.UNSUPPORTED_DATA)


async def _write(
    socket: web.WebSocketResponse, request: web.Request, outgoing: Outgoing
) -> Bye | None:
    """Send what waits, up to the goodbye, if there is one; None: the peer is gone."""
    transport = writable(request)
    try:
        while (item := await outgoing.next()) is not None:
            with abort_without_progress(transport, NO_PROGRESS_S):
                await socket.send_frame(text(item), WSMsgType.TEXT)
            if isinstance(item, Bye):
                return item
    except ConnectionError:
        transport.abort()
    return None


def text(item: Item) -> bytes:
    """Give the payload of the text frame that carries an item."""
    if isinstance(item, Snapshot):
        return item.body
    return wire.encode(item) if isinstance(item, Bye) else item


async def _close(socket: web.WebSocketResponse, request: web.Request, bye: Bye) -> None:
    with abort_without_progress(writable(request), NO_PROGRESS_S):
        await socket.close(code=bye.code, message=reason(bye))


def reason(bye: Bye) -> bytes:
    """Give the reason of a close frame: 123 bytes at most, whole characters (RFC 6455 5.5.1)."""
    return bye.reason.encode()[:123].decode(errors="ignore").encode()


async def _refuse(
    gateway: Gateway, request: web.Request, error: SeatsyncError
) -> web.WebSocketResponse:
    socket = await _upgrade(gateway, request)
    bye = farewell(error)
    await socket.send_frame(text(bye), WSMsgType.TEXT)
    await _close(socket, request, bye)
    return socket


async def _upgrade(gateway: Gateway, request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        timeout=CLOSE_TIMEOUT_S,
        protocols=(SUBPROTOCOL,),
        heartbeat=gateway.config.ping_interval_s,
        compress=False,
        max_msg_size=MAX_FRAME_BYTES + 1,  # aiohttp refuses what reaches its limit
        writer_limit=1,
    )
    await socket.prepare(request)
    keep_shallow(writable(request))
    return socket


def _bearer(gateway: Gateway, request: web.Request, offered: tuple[str, ...]) -> Bearer:
    token = bearer_token(request.headers.getall("Authorization", ()))
    return gateway.authenticator.authenticate(token or offered_token(offered))


def _offered(request: web.Request) -> tuple[str, ...]:
    header = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
    return tuple(filter(None, (name.strip() for name in header.split(","))))


def _is_upgrade(request: web.Request) -> bool:
    """Tell whether the request opens a WebSocket of the one version there is (RFC 6455 4.1)."""
    headers = request.headers
    return (
        headers.get("Upgrade", "").lower() == "websocket"
        and headers.get("Sec-WebSocket-Version", "").strip() == "13"
    )
