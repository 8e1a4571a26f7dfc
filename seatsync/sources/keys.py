"""The keys that the video is believed by: fetched beside the stream, and kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import aiohttp
from yarl import URL

from room.errors import SeatsyncError
from seatsync.access import Access, http_url
from seatsync.sources.answers import network_errors_end_the_source, read_bounded, refusal
from sei.wire.keys import MAX_KEY_SET_BYTES, KeySet, read_key_set
from sei.wire.payload import StreamSnapshot
from sei.wire.refresh import Refresh
from sei.wire.signature import Verdict, verify

WELL_KNOWN: Final = ".well-known/seatsync-keys.json"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0)


def keys_address(access: Access, given: KeySet | str | None) -> URL | KeySet:
    """Say where the keys of a room come from: the caller's, or the gateway's well-known address.

    Raises:
        InvalidArgument: the address is not one of HTTP.
    """
    if given is None:
        return access.base_url / WELL_KNOWN
    return given if isinstance(given, KeySet) else http_url(given)


class StreamKeys:
    """Judges signatures, and asks for the keys anew as ``Refresh`` paces it.

    The fetch never holds the stream up: the video is read above all while the gateway is gone. An
    answer that can't be had leaves the keys before it; only the gateway itself can say that there
    are none. No token is sent.

    Args:
        session: carries the fetch.
        origin: where the keys are; a ``KeySet`` is taken as it is and never fetched.
        refresh: says when to ask.
        clock_s: any clock that never goes back.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        origin: URL | KeySet,
        *,
        refresh: Refresh | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session: Final = session
        self._url: Final = origin if isinstance(origin, URL) else None
        self.trusted = origin if isinstance(origin, KeySet) else KeySet()
        self._refresh: Final = refresh or Refresh()
        self._clock_s: Final = clock_s
        self._fetching: asyncio.Task[None] | None = None
        self._counts: Final[dict[Verdict, int]] = {}
        self.ending: SeatsyncError | None = None
        """Why the latest attempt brought no keys."""

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many snapshots were judged, by verdict; a live view."""
        return MappingProxyType(self._counts)

    def judge(self, snapshot: StreamSnapshot) -> Verdict:
        """Judge the signature of a snapshot out of the stream."""
        verdict = verify(snapshot, self.trusted)
        self._counts[verdict] = self._counts.get(verdict, 0) + 1
        if verdict == "unknown_key":
            self._refresh.met_unknown()
        return verdict

    def tend(self) -> None:
        """Begin to fetch where that is due; cheap, for each chunk of a stream."""
        if self._fetching is not None and self._fetching.done():
            done, self._fetching = self._fetching, None
            done.result()  # nothing that was expected is raised
        if self._url is None or self._fetching is not None:
            return
        if self._refresh.begin(self._clock_s()):
            self._fetching = asyncio.create_task(self._fetch(self._url), name="seatsync keys")

    async def prefetch(self) -> None:
        """Fetch now if that is due; for the time when the gateway is gone."""
        if self._url is not None and self._refresh.begin(self._clock_s()):
            await self._fetch(self._url)

    async def rest(self) -> None:
        """Give up a fetch under way."""
        if self._fetching is None:
            return
        fetching, self._fetching = self._fetching, None
        if fetching.cancel():
            self._refresh.failed()
        await asyncio.wait((fetching,))
        if not fetching.cancelled():
            fetching.result()

    async def _fetch(self, url: URL) -> None:
        try:
            self.trusted = await self._ask(url)
            self.ending = None
        except SeatsyncError as error:
            self.ending = error
            self._refresh.failed()

    async def _ask(self, url: URL) -> KeySet:
        with network_errors_end_the_source():
            async with self._session.get(url, allow_redirects=False, timeout=_TIMEOUT) as response:
                if response.status == 200:
                    return read_key_set(await read_bounded(response, MAX_KEY_SET_BYTES))
                ended = await refusal(response)
        if ended.code == "NOT_FOUND":
            return KeySet()
        raise ended
