"""The push channel by WebSocket (PROTOCOL.md 6)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import aiohttp
import msgspec
from aiohttp import WSMsgType

from room.messages import Welcome
from room.position import Position
from room.reconcile import Channel
from room.snapshot import SCHEMA
from seatsync.access import Access
from seatsync.errors import SourceEnded
from seatsync.sources import inbound
from seatsync.sources.answers import network_errors_end_the_source
from seatsync.sources.source import (
    CONNECT_TIMEOUT_S,
    MAX_SNAPSHOT_BYTES,
    Opened,
    Signal,
)

SUBPROTOCOL: Final = "seatsync.v1"
_WELCOME: Final = msgspec.json.Decoder(Welcome)
_CLOSE_TIMEOUT_S: Final = 1.0
_PING_INTERVALS: Final = 2
SLACK_S: Final = 2.0
_LONGEST_SILENCE_S: Final = 300.0

_Socket = aiohttp.ClientWebSocketResponse[bool]


class WsSource:
    """Follows a room by WebSocket.

    The gateway pings every ``ping_ms`` of its ``welcome``; a connection without any frame for two
    of them is dead, however healthy TCP believes it to be.
    """

    channel: Channel = "ws"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        have: Callable[[], Position | None],
        *,
        welcome_timeout_s: float = CONNECT_TIMEOUT_S,
        slack_s: float = SLACK_S,
    ) -> None:
        self._session: Final = session
        self._access: Final = access
        self._have: Final = have
        self._welcome_timeout_s: Final = welcome_timeout_s
        self._slack_s: Final = slack_s

    async def arrivals(self) -> AsyncGenerator[Signal, None]:
        """Live one life of the connection; see ``Source``."""
        with network_errors_end_the_source():
            async with self._connect() as socket:
                if socket.protocol != SUBPROTOCOL:
                    raise SourceEnded(f"what answered does not speak {SUBPROTOCOL}")
                silence_s = self._welcome_timeout_s
                while True:
                    body = await _receive(socket, silence_s)
                    kind = inbound.kind_of(body)
                    if kind == "welcome":
                        silence_s = self._silence_s(inbound.read(_WELCOME, body))
                        yield Opened("ws")
                        continue
                    arrival = inbound.take("ws", self._access.room, kind, body)
                    if arrival is not None:
                        yield arrival

    def _silence_s(self, welcome: Welcome) -> float:
        pings_s = _PING_INTERVALS * max(0, welcome.ping_ms) / 1000
        return min(pings_s + self._slack_s, _LONGEST_SILENCE_S)

    def _connect(self) -> AbstractAsyncContextManager[_Socket]:
        query = {"docs": "state", "schema": str(SCHEMA)}
        have = self._have()
        if have is not None:
            query["have"] = f"state:{have}"
        return self._session.ws_connect(
            self._access.url("push").with_query(query),
            headers=self._access.headers,
            protocols=(SUBPROTOCOL,),
            max_msg_size=MAX_SNAPSHOT_BYTES,
            decode_text=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT_S),
        )


async def _receive(socket: _Socket, silence_s: float) -> bytes:
    """Wait for the next text frame; every frame, a ping too, starts the wait anew."""
    message = await socket.receive(timeout=silence_s)
    if message.type is WSMsgType.TEXT:
        data: bytes = message.data
        return data
    if message.type is WSMsgType.BINARY:
        raise SourceEnded("a binary frame is no part of the protocol")
    reason = message.extra if isinstance(message.extra, str) else ""
    raise inbound.closed(socket.close_code, reason)
