"""The poll channel (PROTOCOL.md 4)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import aiohttp

from room.reconcile import Channel
from seatsync.access import Access
from seatsync.backoff import spread_ms
from seatsync.errors import SourceEnded
from seatsync.sources.answers import network_errors_end_the_source, read_bounded, refusal
from seatsync.sources.source import (
    CONNECT_TIMEOUT_S,
    MAX_SNAPSHOT_BYTES,
    Arrival,
    Opened,
    Signal,
    read_arrival,
)

DEFAULT_INTERVAL_MS: Final = 3_000
SHORTEST_INTERVAL_MS: Final = 100
LONGEST_INTERVAL_MS: Final = 60_000
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0, sock_connect=CONNECT_TIMEOUT_S)
_SHA_256: Final = "sha-256=:"


class PollSource:
    """Asks for the room's state again and again, at the pace that the gateway sets."""

    channel: Channel = "poll"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        draw: Callable[[], float],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session: Final = session
        self._access: Final = access
        self._draw: Final = draw
        self._sleep: Final = sleep
        self._etag: str | None = None

    async def arrivals(self) -> AsyncGenerator[Signal, None]:
        """Poll until one answer fails; see ``Source``."""
        while True:
            with network_errors_end_the_source():
                signal, interval_ms = await self._ask()
            yield signal
            await self._sleep(spread_ms(interval_ms, self._draw()) / 1000)

    async def _ask(self) -> tuple[Signal, int]:
        headers = dict(self._access.headers)
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        async with self._session.get(
            self._access.url("state"), headers=headers, allow_redirects=False, timeout=_TIMEOUT
        ) as response:
            signal = await self._read(response)
            return signal, _interval_ms(response.headers.get("Seatsync-Poll-Ms", ""))

    async def _read(self, response: aiohttp.ClientResponse) -> Signal:
        if response.status == 304 and self._etag is not None:
            return Opened("poll")
        if response.status != 200:
            raise await refusal(response)
        body = await read_bounded(response, MAX_SNAPSHOT_BYTES)
        arrival: Arrival = read_arrival("poll", self._access.room, body)
        _check_digest(response, body)
        # Kept only now: what was judged broken must be sent again in full.
        self._etag = _etag(response.headers.get("ETag", ""))
        return arrival


def _etag(field: str) -> str | None:
    """Keep a validator that can be sent back (RFC 9110 8.8.3, in ASCII)."""
    return field if field.isascii() and field.isprintable() and field else None


def _interval_ms(field: str) -> int:
    if not (field.isascii() and field.isdigit()):
        return DEFAULT_INTERVAL_MS
    return min(max(int(field[:9]), SHORTEST_INTERVAL_MS), LONGEST_INTERVAL_MS)


def _check_digest(response: aiohttp.ClientResponse, body: bytes) -> None:
    """Compare with ``Repr-Digest`` (RFC 9530), which covers the body as it was before coding."""
    field = response.headers.get("Repr-Digest", "")
    if "Content-Encoding" in response.headers or not field.startswith(_SHA_256):
        return
    expected = base64.b64encode(hashlib.sha256(body).digest()).decode()
    if field != f"{_SHA_256}{expected}:":
        raise SourceEnded("the answer does not match its digest")
