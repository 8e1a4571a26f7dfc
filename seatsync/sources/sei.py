"""The SEI channel: room state out of the video itself, over HTTP-FLV (SEI.md)."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from room.errors import InvalidArgument, SeatsyncError
from room.reconcile import Channel
from room.snapshot import SCHEMA, Snapshot, read_head
from seatsync.access import Access, http_url
from seatsync.errors import SourceEnded
from seatsync.sources import inbound
from seatsync.sources.answers import network_errors_end_the_source, read_bounded, refusal
from seatsync.sources.keys import StreamKeys, keys_address
from seatsync.sources.source import CONNECT_TIMEOUT_S, Arrival, Signal
from sei.errors import BadFlv
from sei.flv.reader import FlvStateReader, Sighting
from sei.wire.payload import StreamSnapshot, room_tag

MAX_MEDIA_BYTES: Final = 64 * 1024
STATELESS_S: Final = 10.0
"""State is repeated every 500 ms: a stream without any for so long carries none."""
SILENCE_S: Final = 10.0
_MEDIA_TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0)


class _Stream(msgspec.Struct, frozen=True):
    """One way to play the room."""

    format: str
    url: str


class _Media(msgspec.Struct, frozen=True):
    """What a player needs; only the streams matter here."""

    streams: tuple[_Stream, ...]


_MEDIA: Final = msgspec.json.Decoder(_Media)


class SeiSource:
    """Reads the room's state out of its live stream.

    The stream's address comes from the gateway and is kept: it is needed most when the gateway is
    gone. The token is not sent to it, since the stream may be anybody's.

    A message whose signature is false is dropped. One that is not signed, or by a key that is not
    known, is given as it is: what it may change is for the reconciler to say.
    """

    channel: Channel = "sei"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        *,
        stream_url: URL | None = None,
        keys: StreamKeys | None = None,
        stateless_s: float = STATELESS_S,
        silence_s: float = SILENCE_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session: Final = session
        self._access: Final = access
        self.keys: Final = keys or StreamKeys(session, keys_address(access, None))
        self._room_tag: Final = room_tag(access.room)
        self._url = stream_url
        self._given: Final = stream_url is not None
        self._worked = True
        self._stateless_s: Final = stateless_s
        self._silence_s: Final = silence_s
        self._clock_s: Final = clock_s

    async def locate(self) -> URL:
        """Ask the gateway for the stream's address, and keep it.

        Raises:
            SourceEnded: there is no such stream, or no answer.
        """
        with network_errors_end_the_source():
            async with self._session.get(
                self._access.url("media"),
                headers=self._access.headers,
                allow_redirects=False,
                timeout=_MEDIA_TIMEOUT,
            ) as response:
                if response.status != 200:
                    raise await refusal(response)
                body = await read_bounded(response, MAX_MEDIA_BYTES)
        media = inbound.read(_MEDIA, body)
        url = next((stream.url for stream in media.streams if stream.format == "flv"), None)
        if url is None:
            raise SourceEnded("the room has no FLV stream", permanent=True, code="DOC_NOT_FOUND")
        self._url = self._stream_url(url)
        return self._url

    async def arrivals(self) -> AsyncGenerator[Signal, None]:
        """Live one life of the stream; see ``Source``."""
        url = await self._find()
        self._worked = False
        try:
            async with aclosing(self._play(url)) as signals:
                async for signal in signals:
                    yield signal
        finally:
            await self.keys.rest()

    async def _play(self, url: URL) -> AsyncGenerator[Signal, None]:
        reader = FlvStateReader(self._access.room)
        with network_errors_end_the_source():
            async with self._session.get(url, timeout=self._timeout()) as response:
                if response.status != 200:
                    raise SourceEnded(f"the stream answered with HTTP status {response.status}")
                seen_at_s = self._clock_s()
                self.keys.tend()
                async for chunk in response.content.iter_any():
                    self.keys.tend()
                    for arrival in self._read(reader, chunk):
                        self._worked = True
                        seen_at_s = self._clock_s()
                        yield arrival
                    if self._clock_s() - seen_at_s > self._stateless_s:
                        raise SourceEnded("the stream carries no state of this room")
        raise SourceEnded("the stream ended")

    async def _find(self) -> URL:
        """Use the address that worked last; where it did not, ask anew and fall back to it."""
        if self._url is not None and (self._worked or self._given):
            return self._url
        try:
            return await self.locate()
        except SourceEnded as ended:
            if self._url is None or ended.permanent:
                raise
            return self._url

    def _timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S, sock_read=self._silence_s)

    def _stream_url(self, text: str) -> URL:
        try:
            return http_url(str(self._access.base_url.join(URL(text))))
        except (ValueError, InvalidArgument):
            raise SourceEnded("the stream's address is not one of HTTP") from None

    def _read(self, reader: FlvStateReader, chunk: bytes) -> list[Arrival]:
        try:
            sightings = reader.feed(chunk)
        except BadFlv as error:
            raise SourceEnded(f"the stream is broken: {error.message}") from error
        arrivals = (self._arrival(sighting) for sighting in sightings)
        return [arrival for arrival in arrivals if arrival is not None]

    def _arrival(self, sighting: Sighting) -> Arrival | None:
        """Take a message for a snapshot; bad ones are ignored: anybody may write into a stream."""
        try:
            head = read_head(sighting.body)
        except SeatsyncError:
            return None
        identity = (head.room, head.doc, head.view, head.schema, head.position, head.ts)
        announced = (sighting.position, sighting.ts_ms)
        if identity != (self._access.room, "state", "anonymous", SCHEMA, *announced):
            return None
        verdict = self.keys.judge(
            StreamSnapshot(self._room_tag, *announced, sighting.body, sighting.signature)
        )
        if verdict == "invalid":
            return None
        return Arrival("sei", Snapshot(head, sighting.body), signed=verdict == "valid")
