"""Pull a stream from an RTMP server; it comes out as FLV."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sei.errors import BadRtmp, RtmpFailed, SourceFailed
from sei.flv.tags import SCRIPT, Tag, file_header, write_tag
from sei.rtmp.address import parse_rtmp
from sei.rtmp.link import Link, failed_by, linked
from sei.rtmp.session import Ended, Event
from sei.source import Opened

OPEN_TIMEOUT_S: Final = 10.0
STALL_S: Final = 10.0


class RtmpSource:
    """A stream of an RTMP server, as the bytes of an FLV file.

    It ends where the server says that nobody publishes it any more; where the connection breaks
    off, or no tag comes for the stall time-out, it fails.

    Args:
        address: ``rtmp[s]://host[:port]/app[/instance]/name[?query]``.
        open_timeout_s: for everything from the connection to the start of the stream.
        stall_s: how long there may be no tag.

    Raises:
        BadMedia: the address is malformed.
    """

    def __init__(
        self, address: str, *, open_timeout_s: float = OPEN_TIMEOUT_S, stall_s: float = STALL_S
    ) -> None:
        self._address: Final = parse_rtmp(address)
        self._open_timeout_s: Final = open_timeout_s
        self._stall_s: Final = stall_s

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Opened]:
        """Connect and play.

        Raises:
            SourceFailed: the server is not there, silent, refuses, or does not speak RTMP.
        """
        timing = {"open_timeout_s": self._open_timeout_s, "stall_s": self._stall_s}
        try:
            async with linked(self._address, "play", **timing) as (link, events):
                yield Opened("flv", self._chunks(link, events))
        except (BadRtmp, RtmpFailed) as error:
            raise self._failed(error) from error

    async def _chunks(self, link: Link, events: list[Event]) -> AsyncIterator[bytes]:
        """Give the file header, then in one piece the tags that came in one piece."""
        began = False
        while True:
            tags = [event for event in events if isinstance(event, Tag)]
            if tags:
                header = b"" if began else _header(tags[0])
                began = True
                yield header + b"".join(map(write_tag, tags))
            for event in events:
                if isinstance(event, Ended):
                    if event.is_refusal:
                        raise self._failed(failed_by(event))
                    return
            events = await self._next(link, began=began)

    async def _next(self, link: Link, *, began: bool) -> list[Event]:
        """Wait for the next event; acknowledgements and pings are no sign of life of a stream."""
        try:
            async with asyncio.timeout(self._stall_s):
                while True:
                    if events := await link.receive():
                        return events
        except TimeoutError as error:
            # Some servers let a name be played that nobody publishes.
            hint = "" if began else "; does anybody publish it?"
            text = f"{self._address.shown}: no tag came for {self._stall_s:g} s{hint}"
            raise SourceFailed(text) from error
        except (BadRtmp, RtmpFailed) as error:
            raise self._failed(error) from error

    def _failed(self, error: BadRtmp | RtmpFailed) -> SourceFailed:
        return SourceFailed(f"{self._address.shown}: {error.message}", code=error.code)


def _header(first: Tag) -> bytes:
    """Write a file header; metadata, which comes first, names a codec for each kind there is."""
    has_audio = b"audiocodecid" in first.body
    has_video = b"videocodecid" in first.body
    if first.kind != SCRIPT or not (has_audio or has_video):
        has_audio = has_video = True
    return file_header(has_audio=has_audio, has_video=has_video)
