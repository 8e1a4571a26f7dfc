"""The one push connection of a feed: ``GET /v1/push`` by WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import aiohttp
from aiohttp import WSMsgType
from yarl import URL

from room.snapshot import SCHEMA
from seatsync.errors import SourceEnded
from seatsync.feed.conversation import PING_S, Conversation
from seatsync.feed.subscriptions import Subscriptions
from seatsync.sources import inbound
from seatsync.sources.answers import network_errors_end_the_source
from seatsync.sources.source import MAX_SNAPSHOT_BYTES
from seatsync.sources.ws import SUBPROTOCOL

_CLOSE_TIMEOUT_S: Final = 1.0
_ENDS: Final = frozenset((WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR))

_Socket = aiohttp.ClientWebSocketResponse[bool]


class PushConnection:
    """One life of the connection; without a token, so that only the anonymous view comes.

    Args:
        session: of its own: polls that wait must not keep it from connecting.
        base_url: of the gateway.
        conversation: understands what is said.
        subscriptions: says when there is more to ask for.
        wanted: set when there is something to say before that.
        heard: called for every frame, a ping too.
        clock_s: monotonic.
        ping_s: how often the gateway is asked for a sign of life.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: URL,
        conversation: Conversation,
        subscriptions: Subscriptions,
        *,
        wanted: asyncio.Event,
        heard: Callable[[], None],
        clock_s: Callable[[], float],
        ping_s: float = PING_S,
    ) -> None:
        self._session: Final = session
        self._url: Final = (base_url / "v1" / "push").with_query(schema=str(SCHEMA))
        self._conversation: Final = conversation
        self._subscriptions: Final = subscriptions
        self._wanted: Final = wanted
        self._heard: Final = heard
        self._clock_s: Final = clock_s
        self._ping_s: Final = ping_s

    async def live(self) -> SourceEnded:
        """Connect, and stay for as long as the connection lasts; cancelling closes it.

        Returns:
            Why it is over.
        """
        ends: list[SourceEnded] = []
        try:
            with network_errors_end_the_source():
                async with self._connect() as socket:
                    _check_protocol(socket)
                    async with asyncio.TaskGroup() as tasks:
                        tasks.create_task(self._write(socket), name="feed subscriptions")
                        tasks.create_task(self._read(socket), name="feed push")
        except* SourceEnded as group:
            ends.extend(end for end in group.exceptions if isinstance(end, SourceEnded))
        return ends[0]

    async def _read(self, socket: _Socket) -> None:
        with network_errors_end_the_source():
            while True:
                message = await socket.receive(timeout=self._conversation.silence_s)
                if message.type in _ENDS:
                    reason = message.extra if isinstance(message.extra, str) else ""
                    raise inbound.closed(socket.close_code, reason)
                if message.type is WSMsgType.BINARY:
                    raise SourceEnded("a binary frame is no part of the protocol")
                self._heard()
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    self._conversation.receive(message.data, self._now_ms())
                    self._wanted.set()  # an answer makes room in the window

    async def _write(self, socket: _Socket) -> None:
        """Say what there is to say, and ask for a sign of life."""
        ping_at_s = self._clock_s() + self._ping_s
        with network_errors_end_the_source():
            while True:
                self._wanted.clear()
                for text in self._conversation.outgoing(self._now_ms()):
                    await socket.send_str(text.decode())
                if self._clock_s() >= ping_at_s:
                    await socket.send_str(self._conversation.ping.decode())
                    ping_at_s = self._clock_s() + self._ping_s
                await self._wait(ping_at_s)

    async def _wait(self, ping_at_s: float) -> None:
        wake_at_ms = self._subscriptions.wake_at_ms() if self._conversation.is_welcome else None
        until_s = ping_at_s if wake_at_ms is None else min(ping_at_s, wake_at_ms / 1000)
        try:
            async with asyncio.timeout(max(0.0, until_s - self._clock_s()) + 0.001):
                await self._wanted.wait()
        except TimeoutError:
            return  # it is time for something

    def _now_ms(self) -> int:
        return int(self._clock_s() * 1000)

    def _connect(self) -> AbstractAsyncContextManager[_Socket]:
        return self._session.ws_connect(
            self._url,
            protocols=(SUBPROTOCOL,),
            max_msg_size=MAX_SNAPSHOT_BYTES,
            decode_text=False,
            autoping=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_TIMEOUT_S),
        )


def _check_protocol(socket: _Socket) -> None:
    if socket.protocol != SUBPROTOCOL:
        raise SourceEnded(f"what answered does not speak {SUBPROTOCOL}")
