"""The upstreams of one gateway, wired."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial

from prometheus_client import CollectorRegistry

from gateway.config import Upstream
from gateway.loop.tasks import Tasks
from gateway.push.hub import Hub
from gateway.upstream.account import Account
from gateway.upstream.counts import Counts
from gateway.upstream.documents import UpstreamDocuments
from gateway.upstream.fetch import Fetcher
from gateway.upstream.rounds import Rounds
from gateway.upstream.source import Source
from poller.breaker import Breaker, Circuit
from room.snapshot import External
from store.port import Clock


class Upstreams:
    """The documents of upstreams, and the loop that keeps those fresh that are followed.

    Args:
        upstreams: as configured, one a document.
        hub: knows what is followed.
        tasks: owns the reads.
        registry: takes the metrics.
        clock_s: monotonic.
        clock_ms: wall clock.
        rng: spreads reads.
        announce: told of each document that is newer than what was held.
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        hub: Hub,
        tasks: Tasks,
        registry: CollectorRegistry,
        *,
        clock_s: Callable[[], float],
        clock_ms: Clock,
        rng: random.Random,
        announce: Callable[[External, External | None], None],
    ) -> None:
        self._fetcher = Fetcher()
        self._has_any = bool(upstreams)
        counts = Counts(registry)
        account = Account(counts)
        sources = {}
        for upstream in upstreams:
            breaker = Breaker(clock_s, rng, changed=partial(account.on_circuit, upstream.doc))
            sources[upstream.doc] = Source(upstream, self._fetcher.get, breaker)
            counts.watch_circuit(upstream.doc, partial(_is_open, breaker))
        self.documents = UpstreamDocuments(
            sources,
            clock_s=clock_s,
            clock_ms=clock_ms,
            spawn=tasks.spawn,
            rng=rng,
            announce=announce,
            witness=account,
        )
        self._rounds = Rounds(self.documents, hub, tasks, clock_s=clock_s)

    def is_stored(self, doc: str) -> bool:
        """Tell whether a document is in the store; the others come from upstreams."""
        return doc not in self.documents

    async def run(self) -> None:
        """Keep up with upstreams until cancelled, and let go of them then."""
        try:
            if self._has_any:
                await self._rounds.run()
        finally:
            await self._fetcher.close()


def _is_open(breaker: Breaker) -> bool:
    return breaker.state is not Circuit.CLOSED
