"""The push channel by Server-Sent Events (PROTOCOL.md 7)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import aiohttp

from room.position import Position
from room.reconcile import Channel
from seatsync.access import Access
from seatsync.errors import SourceEnded
from seatsync.sources import inbound
from seatsync.sources.answers import network_errors_end_the_source, refusal
from seatsync.sources.event_stream import EventStreamParser, EventTooLarge, ServerEvent
from seatsync.sources.source import CONNECT_TIMEOUT_S, MAX_SNAPSHOT_BYTES, Opened, Signal

EVENT_STREAM: Final = "text/event-stream"
SILENCE_S: Final = 45.0
"""The gateway writes a comment every 15 s: three of them missing."""


class SseSource:
    """Follows a room by Server-Sent Events."""

    channel: Channel = "sse"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        have: Callable[[], Position | None],
        *,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._session: Final = session
        self._access: Final = access
        self._have: Final = have
        self._silence_s: Final = silence_s

    async def arrivals(self) -> AsyncGenerator[Signal, None]:
        """Live one life of the connection; see ``Source``."""
        parser = EventStreamParser(max_event_bytes=MAX_SNAPSHOT_BYTES)
        with network_errors_end_the_source():
            async with self._connect() as response:
                if response.status != 200:
                    raise await refusal(response)
                if response.content_type != EVENT_STREAM:
                    raise SourceEnded("what answered is no event stream")
                async for chunk in response.content.iter_any():
                    # Not before bytes came: a proxy that holds the stream back answers 200 too.
                    yield Opened("sse")
                    for event in _parse(parser, chunk):
                        body = event.data.encode()
                        arrival = inbound.take("sse", self._access.room, event.event, body)
                        if arrival is not None:
                            yield arrival
        raise SourceEnded("the event stream ended", retry_after_ms=parser.retry_ms)

    def _connect(self) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {
            **self._access.headers,
            "Accept": EVENT_STREAM,
            "Accept-Encoding": "identity",
            "Cache-Control": "no-store",
        }
        have = self._have()
        if have is not None:
            headers["Last-Event-ID"] = f"state:{have}"
        return self._session.get(
            self._access.url("events").with_query(docs="state"),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                sock_connect=CONNECT_TIMEOUT_S, sock_read=self._silence_s
            ),
        )


def _parse(parser: EventStreamParser, chunk: bytes) -> list[ServerEvent]:
    try:
        return parser.feed(chunk)
    except EventTooLarge as error:
        raise SourceEnded(error.message) from error
