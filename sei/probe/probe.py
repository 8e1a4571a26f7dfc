"""Look at an output, or at what a CDN made of it, once or again and again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final

from sei.errors import BadFlv, BadMedia, SourceFailed
from sei.inputs.policy import check_redirect
from sei.probe.fetch import Fetch
from sei.probe.flv import FlvPictures
from sei.probe.judge import Expected, Judge, Picture, ProbeReport
from sei.probe.playlist import MAX_PLAYLIST_BYTES, Segment, newest, read_playlist
from sei.relay.counts import Counts

MAX_MEDIA_BYTES: Final = 48 * 1024 * 1024
"""Held at once of what is not FLV: ten seconds of 30 Mbps and more."""
SLACK_S: Final = 20.0
"""For connecting, and for playlists and segments."""
_CODES: Final = {
    "stripped": "SEI_STRIPPED",
    "damaged": "SEI_DAMAGED",
    "unreachable": "UNAVAILABLE",
}

_log: Final = logging.getLogger(__name__)


async def probe(
    url: str,
    room: str,
    for_s: float,
    *,
    fetch: Fetch,
    expected: Callable[[], Expected],
    redirects: tuple[str, ...] = (),
) -> ProbeReport:
    """Read a stream for a while and say whether our messages are in it.

    FLV is read by our own code as it comes in; MP4 and MPEG-TS, of HLS too, are collected and then
    demuxed in a thread.

    Args:
        url: of FLV, fragmented MP4, MPEG-TS or an HLS playlist.
        room: whose messages are looked for.
        for_s: how long live streams are read, and how much of a playlist.
        fetch: gives what is at an address.
        expected: what is injected now; asked before and after.
        redirects: hosts beside its own that a playlist may name.
    """
    before, judge = expected(), Judge(room)
    looked = _Look(judge, before, for_s, fetch, redirects)
    try:
        async with asyncio.timeout(for_s + SLACK_S):
            await looked.at(url)
    except TimeoutError:
        return ProbeReport("unreachable", "the stream did not come in time")
    except (SourceFailed, BadMedia, BadFlv) as error:
        return ProbeReport("unreachable", error.message)
    after = expected()
    report = judge.report(Expected(min(before.messages, after.messages), after.injection))
    if not report.pictures:
        return ProbeReport("unreachable", "no picture came")
    return report


class _Look:
    """One look at one address."""

    def __init__(
        self,
        judge: Judge,
        expected: Expected,
        for_s: float,
        fetch: Fetch,
        redirects: tuple[str, ...],
    ) -> None:
        self._judge: Final = judge
        self._injection: Final = expected.injection
        self._for_s: Final = for_s
        self._fetch: Final = fetch
        self._redirects: Final = redirects

    async def at(self, url: str, *, is_variant: bool = False) -> None:
        """Read what is there, whatever it is."""
        async with self._fetch(url) as (url, chunks):
            first = await _at_least(chunks, 7)
            if not first.startswith(b"#EXTM3U"):
                await self._read_stream(first, chunks)
                return
            playlist = read_playlist(first + await _rest(chunks, MAX_PLAYLIST_BYTES))
        if not playlist.variants:
            await self._read_segments(url, newest(playlist.segments, self._for_s))
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

    async def _read_segments(self, url: str, segments: tuple[Segment, ...]) -> None:
        if not segments:
            raise SourceFailed("the playlist is empty")
        media = bytearray()
        addresses = [segment.address for segment in segments]
        if segments[0].initialisation is not None:
            addresses.insert(0, segments[0].initialisation)
        for address in addresses:
            async with self._fetch(self._beside(url, address)) as (_, chunks):
                media += await _rest(chunks, MAX_MEDIA_BYTES - len(media))
        await self._demux(bytes(media))

    async def _demux(self, media: bytes) -> None:
        from sei.probe.container import pictures_in  # PyAV is large: only who needs it loads it

        self._see(await asyncio.to_thread(pictures_in, media))

    def _see(self, pictures: Iterable[Picture]) -> None:
        for picture in pictures:
            self._judge.see(picture, self._injection)

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


class ProbeLoop:
    """Looks again and again, and keeps what it found in the counts of the stream.

    Args:
        look: one look.
        every_s: from one to the next, spread by a fifth.
        counts: of the stream.
        stream: its name, for the log.
        draw: gives random numbers in 0..1.
        sleep: waits.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[ProbeReport]],
        every_s: float,
        counts: Counts,
        stream: str,
        *,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._look: Final = look
        self._every_s: Final = every_s
        self._counts: Final = counts
        self._stream: Final = stream
        self._draw: Final = draw
        self._sleep: Final = sleep
        self._last = "unknown"

    async def run(self) -> None:
        """Look until cancelled; the first time soon, at another moment for each stream."""
        await self._sleep(min(self._every_s, 10.0) * self._draw())
        while True:
            self._tell(await self._look())
            await self._sleep(self._every_s * (0.8 + 0.4 * self._draw()))

    def _tell(self, report: ProbeReport) -> None:
        self._counts.stripped = report.verdict in ("stripped", "damaged")
        self._counts.probe = f"{report.verdict}: {report.reason}"
        if report.verdict == self._last:
            return
        self._last = report.verdict
        code = _CODES.get(report.verdict, "")
        facts = {"stream": self._stream, "verdict": report.verdict, "reason": report.reason}
        level = logging.WARNING if code else logging.INFO
        _log.log(level, "what leaves the relay was read again", extra={**facts, "code": code})
