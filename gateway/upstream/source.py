"""One upstream: where a room's document is found there, and whether it is asked at all."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote

from gateway.config import Upstream
from gateway.upstream.answers import Answer, Confirmed, ResponseHead, Whole, usable_tag
from gateway.upstream.faults import OUTAGES, UpstreamFault
from gateway.upstream.lifetimes import read_lifetime
from poller.breaker import Breaker


class Received(Protocol):
    """A response that is of use."""

    @property
    def head(self) -> ResponseHead:
        """Its head: 200, 304 or one that says that there is nothing."""
        ...

    @property
    def body(self) -> bytes:
        """The document, where it is one."""
        ...


class Fetch(Protocol):
    """The way to an upstream."""

    async def __call__(self, url: str, etag: str | None, within_s: float) -> Received:
        """Fetch a document.

        Raises:
            UpstreamFault: there is no answer, or none of use.
        """
        ...


class Source:
    """Reads one document of any room; while the circuit is open nothing is sent.

    Args:
        upstream: as configured.
        fetch: the way there.
        breaker: this upstream's own.
    """

    def __init__(self, upstream: Upstream, fetch: Fetch, breaker: Breaker) -> None:
        self.doc = upstream.doc
        self.ttl_s = upstream.ttl_ms / 1000
        self._upstream = upstream
        self._fetch = fetch
        self._breaker = breaker

    async def read(self, room: str, etag: str | None) -> Answer:
        """Ask for the document of a room.

        Args:
            room: a checked room id.
            etag: of what is held.

        Raises:
            UpstreamFault: there is no answer, or none of use.
        """
        ticket = self._breaker.admit()
        if ticket is None:
            raise UpstreamFault("open")
        is_up = False
        try:
            url = self._upstream.url_of(quote(room, safe=""))
            received = await self._fetch(url, etag, self._upstream.timeout_ms / 1000)
            is_up = True
        except UpstreamFault as fault:
            is_up = fault.reason not in OUTAGES
            raise
        finally:
            self._breaker.report(ticket, ok=is_up)
        return self._answer(received)

    def _answer(self, received: Received) -> Answer:
        head = received.head
        lifetime = read_lifetime(head.cache_control, self.ttl_s)
        if head.status == 200:
            return Whole(received.body, usable_tag(head.etag), lifetime)
        if head.status == 304:
            return Confirmed(lifetime if head.cache_control else None)
        return None
