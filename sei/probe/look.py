"""One look at an address: its pictures, whatever form they come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final

from sei.errors import BadMedia, SourceFailed
from sei.policy import check_redirect
from sei.probe.fetch import Fetch
from sei.probe.flv import FlvPictures
from sei.probe.judge import Picture
from sei.probe.playlist import (
    MAX_PLAYLIST_BYTES,
    Playlist,
    Segment,
    after,
    newest,
    read_playlist,
)

MAX_MEDIA_BYTES: Final = 48 * 1024 * 1024
"""Held at once of what is not FLV: ten seconds of 30 Mbps and more."""
_RELOAD_S: Final = 1.0
"""From one look at a live playlist to the next."""

See = Callable[[Picture], None]


async def look(
    url: str, see: See, for_s: float, *, fetch: Fetch, redirects: tuple[str, ...] = ()
) -> None:
    """Read a stream for a while and show its pictures, in decoding order.

    FLV is read by our own code as it comes in; MP4 and MPEG-TS are collected and then demuxed in a
    thread, those of HLS segment by segment.

    Args:
        url: of FLV, fragmented MP4, MPEG-TS or an HLS playlist.
        see: shown each picture.
        for_s: how long live streams are read, and how much of a playlist: of its newest
            segments, and of those that it gets within that time where they are too few.
        fetch: gives what is at an address.
        redirects: hosts beside its own that a playlist may name.

    Raises:
        SourceFailed: it does not answer, or breaks off.
        BadFlv: it is FLV that is out of step.
        BadMedia: it is no media, none that can be read, or an address that is refused.
    """
    await _Look(see, for_s, fetch, redirects).at(url)


class _Look:
    """One look at one address."""

    def __init__(self, see: See, for_s: float, fetch: Fetch, redirects: tuple[str, ...]) -> None:
        self._see_one: Final = see
        self._for_s: Final = for_s
        self._fetch: Final = fetch
        self._redirects: Final = redirects
        self._initialisation: tuple[str | None, bytes] = None, b""

    async def at(self, url: str, *, is_variant: bool = False) -> None:
        """Read what is there, whatever it is."""
        async with self._fetch(url) as (url, chunks):
            first = await _at_least(chunks, 7)
            if not first.startswith(b"#EXTM3U"):
                await self._read_stream(first, chunks)
                return
            playlist = read_playlist(first + await _rest(chunks, MAX_PLAYLIST_BYTES))
        if not playlist.variants:
            await self._follow(url, playlist)
        elif is_variant:
            raise BadMedia("a variant of a playlist has variants")
        else:
            await self.at(self._beside(url, playlist.variants[0]), is_variant=True)

    async def _read_stream(self, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        if first.startswith(b"FLV"):
            await self._read_flv(first, chunks)
            return
        media = bytearray(first)
        await _for_a_while(self._for_s, _collect(chunks, media, MAX_MEDIA_BYTES))
        await self._demux(bytes(media))

    async def _read_flv(self, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        pictures = FlvPictures()

        async def read() -> None:
            self._see(pictures.feed(first))
            async for chunk in chunks:
                self._see(pictures.feed(chunk))

        await _for_a_while(self._for_s, read())

    async def _follow(self, url: str, playlist: Playlist) -> None:
        """Read the newest segments, and those that a live playlist gets in the meantime."""
        segments = newest(playlist.segments, self._for_s)
        if not segments:
            raise SourceFailed("the playlist is empty")
        clock = asyncio.get_running_loop().time
        deadline, left_s, last = clock() + self._for_s, self._for_s, ""
        while True:
            for segment in segments:
                await self._read_segment(url, segment)
                left_s -= segment.duration_s
                last = segment.address
            if left_s <= 0 or playlist.is_ended or clock() >= deadline:
                return
            await asyncio.sleep(_RELOAD_S)
            async with self._fetch(url) as (url, chunks):
                playlist = read_playlist(await _rest(chunks, MAX_PLAYLIST_BYTES))
            segments = after(playlist.segments, last)

    async def _read_segment(self, url: str, segment: Segment) -> None:
        if segment.initialisation != self._initialisation[0]:
            address = segment.initialisation
            head = b"" if address is None else await self._get(url, address)
            self._initialisation = address, head
        await self._demux(self._initialisation[1] + await self._get(url, segment.address))

    async def _get(self, url: str, address: str) -> bytes:
        async with self._fetch(self._beside(url, address)) as (_, chunks):
            return await _rest(chunks, MAX_MEDIA_BYTES)

    async def _demux(self, media: bytes) -> None:
        from sei.probe.container import pictures_in  # PyAV is large: only who needs it loads it

        self._see(await asyncio.to_thread(pictures_in, media))

    def _see(self, pictures: Iterable[Picture]) -> None:
        for picture in pictures:
            self._see_one(picture)

    def _beside(self, url: str, address: str) -> str:
        return check_redirect(url, address, self._redirects)


async def _for_a_while(for_s: float, reading: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(for_s):
            await reading
    except TimeoutError:
        return  # as planned: the stream is endless


async def _at_least(chunks: AsyncIterator[bytes], size: int) -> bytes:
    """Read as many bytes, or all there are."""
    got = b""
    async for chunk in chunks:
        got += chunk
        if len(got) >= size:
            break
    return got


async def _rest(chunks: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    await _collect(chunks, body, max_bytes)
    if len(body) >= max_bytes:
        raise BadMedia("an answer is larger than is read")
    return bytes(body)


async def _collect(chunks: AsyncIterator[bytes], into: bytearray, max_bytes: int) -> None:
    async for chunk in chunks:
        into += chunk
        if len(into) >= max_bytes:
            return
