"""The documents of upstreams as this node holds them, each read at most once a TTL."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple, Protocol

from cachetools import LRUCache

from gateway.reads import no_document
from gateway.upstream.answers import Answer
from gateway.upstream.faults import UpstreamFault
from gateway.upstream.holding import Holding, Outcome, take
from poller.cache import Found, Freshness
from poller.flight import SingleFlight
from room.errors import SeatsyncError
from room.position import Position
from room.snapshot import External
from store.port import Clock

MAX_HELD_BYTES: Final = 128 * 1024 * 1024
MAX_PACED: Final = 100_000
"""Documents of which is known when they may be read again."""
MAX_READS: Final = 1024
"""Reads under way, and waiting for a connection."""
SPREAD: Final = 0.1
"""A document that nobody waits for is read up to so much later, so that many do not keep step."""

Key = tuple[str, str]
"""Room and document."""


class Source(Protocol):
    """Where the documents of one name come from."""

    @property
    def ttl_s(self) -> float:
        """How long an answer is fresh that does not say."""
        ...

    def read(self, room: str, etag: str | None) -> Awaitable[Answer]:
        """Ask for the document of a room; an ``UpstreamFault`` says why there is none."""
        ...


class Witness(Protocol):
    """Whoever keeps account of reads."""

    def on_read(self, key: Key, outcome: str) -> None:
        """A read ended: see ``Outcome``, or ``missing``."""
        ...

    def on_fault(self, key: Key, fault: UpstreamFault, before: UpstreamFault | None) -> None:
        """A read failed; the one before it failed like this, or not at all."""
        ...


class Pace(NamedTuple):
    """When a document may be read again, and what was wrong at last."""

    due_at_s: float
    fault: UpstreamFault | None = None
    is_missing: bool = False


class UpstreamDocuments:
    """What upstreams say, in memory; to ``Rooms`` it is what a ``Poller`` is of the store.

    =============================  ==========================================================
    what is held                   answer
    =============================  ==========================================================
    fresh                          from memory
    a little over (swr)            from memory, marked stale, while one read is under way
    older, or nothing              after one read, shared by all who wait
    the last read has failed       from memory, marked stale, as long as ``stale-if-error``
                                   allows; else the fault, until the next read is due
    =============================  ==========================================================

    A reader who is ahead of this node does not make it read sooner: the TTL is a promise to the
    upstream.

    Args:
        sources: by the name of the document.
        clock_s: monotonic.
        clock_ms: wall clock.
        spawn: starts a task, owns it, and hears of an error that nobody waits for.
        rng: spreads reads.
        announce: told of each document that is newer than what was held; memory comes first.
        witness: keeps account.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        *,
        clock_s: Callable[[], float],
        clock_ms: Clock,
        spawn: Callable[[Coroutine[Any, Any, External]], asyncio.Task[External]],
        rng: random.Random,
        announce: Callable[[External, External | None], None],
        witness: Witness,
        max_held_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self._sources = sources
        self._clock_s = clock_s
        self._clock_ms = clock_ms
        self._rng = rng
        self._announce = announce
        self._witness = witness
        self._held: LRUCache[Key, Holding] = LRUCache(max_held_bytes, lambda held: held.cost_bytes)
        self._paces: LRUCache[Key, Pace] = LRUCache(MAX_PACED)
        self._flights: SingleFlight[Key, External] = SingleFlight(spawn)

    def __contains__(self, doc: object) -> bool:
        """Tell whether a document comes from an upstream."""
        return doc in self._sources

    def held(self, key: Key) -> External | None:
        """Give what is held, as long as it may be given out at all."""
        held = self._held.get(key)
        return None if held is None or self._is_over(held) else held.edition

    def forget_missing(self, key: Key) -> None:
        """Nothing to forget: no one but the upstream knows better, and it is asked in time."""

    def find_now(
        self, key: Key, after: Position | None = None, doc: str = ""
    ) -> Found[External] | None:
        """Give what this node may answer with at once.

        Args:
            key: room and document; checked.
            after: not looked at; see the class.
            doc: likewise.

        Returns:
            None: the upstream is to be asked first, by ``find``.

        Raises:
            SeatsyncError: ``DOC_NOT_FOUND``; ``OVERLOADED``: it had to leave memory, and it is too
                soon to ask again.
            UpstreamFault: nothing is held that may be given out, and it is too soon to ask again.
        """
        held, pace = self._held.get(key), self._paces.get(key)
        if held is None:
            self._check_paused(key, pace)
            self._check_kept(pace)
            return None
        age_s = self._clock_s() - held.confirmed_at_s
        if age_s <= held.lifetime.fresh_s:
            return Found(held.edition, Freshness.HIT, age_s, held.lifetime.fresh_s)
        if age_s <= held.lifetime.fresh_s + held.lifetime.revalidate_s:
            if not self._is_paused(pace) and not self._is_full(key):
                self.renew(key)
            return self._stale(held)
        if self._is_over(held):
            self._check_paused(key, pace)
        elif self._is_paused(pace):
            return self._stale(held)
        return None

    async def find(self, key: Key, after: Position | None = None, doc: str = "") -> Found[External]:
        """Give the newest that this node may answer with.

        Args:
            key: room and document; checked.
            after: not looked at; see the class.
            doc: likewise.

        Raises:
            SeatsyncError: ``DOC_NOT_FOUND``, ``OVERLOADED``.
            UpstreamFault: the upstream has no answer of use, and nothing is held.
        """
        found = self.find_now(key)
        if found is not None:
            return found
        is_joined = key in self._flights
        try:
            edition = await self._flights.join(self._start(key))
        except UpstreamFault as fault:
            held = self._held.get(key)
            if held is None or self._is_over(held):
                raise fault.again() from None
            return self._stale(held)
        freshness = Freshness.COLLAPSED if is_joined else Freshness.MISS
        return Found(edition, freshness, 0.0)

    async def refresh(self, key: Key) -> None:
        """Read once more, if that is due.

        Raises:
            SeatsyncError: ``DOC_NOT_FOUND``.
            UpstreamFault: the upstream has no answer of use.
        """
        if self.due_at_s(key) <= self._clock_s():
            await self._flights.join(self.renew(key))

    def due_at_s(self, key: Key) -> float:
        """Tell when a document is to be read again if somebody follows it."""
        pace = self._paces.get(key)
        return float("-inf") if pace is None else pace.due_at_s

    def renew(self, key: Key) -> asyncio.Task[External]:
        """Read a document, or join the read that is under way."""
        return self._flights.start(key, lambda: self._load(key))[0]

    def _start(self, key: Key) -> asyncio.Task[External]:
        if self._is_full(key):
            raise SeatsyncError("too much is read at once", code="OVERLOADED")
        return self.renew(key)

    def _is_full(self, key: Key) -> bool:
        return len(self._flights) >= MAX_READS and key not in self._flights

    def _is_paused(self, pace: Pace | None) -> bool:
        """Tell whether the last read failed, and the next is not due."""
        return pace is not None and pace.fault is not None and self._clock_s() < pace.due_at_s

    def _check_paused(self, key: Key, pace: Pace | None) -> None:
        """Say again what was wrong, while it is too soon to ask again."""
        if pace is None or self._clock_s() >= pace.due_at_s:
            return
        if pace.fault is not None:
            raise pace.fault.again()
        if pace.is_missing:
            raise no_document(key)

    def _check_kept(self, pace: Pace | None) -> None:
        """Refuse what had to leave memory and is not due: else each poll would be a read."""
        if pace is not None and self._clock_s() < pace.due_at_s:
            raise SeatsyncError("more documents are read than fit into memory", code="OVERLOADED")

    def _is_over(self, held: Holding) -> bool:
        """Tell whether a document is too old to be given out, whatever happens."""
        age_s = self._clock_s() - held.confirmed_at_s
        _, revalidate_s, error_s = held.lifetime
        return age_s > held.lifetime.fresh_s + max(revalidate_s, error_s)

    def _stale(self, held: Holding) -> Found[External]:
        age_s = self._clock_s() - held.confirmed_at_s
        return Found(held.edition, Freshness.STALE, age_s, held.lifetime.fresh_s)

    async def _load(self, key: Key) -> External:
        """Read once; nobody else changes what is held of this document meanwhile."""
        room, doc = key
        held = self._held.get(key)
        try:
            answer = await self._sources[doc].read(room, None if held is None else held.etag)
            if answer is None:
                self._forget(key)
                raise no_document(key)
            newest, outcome = take(key, held, answer, self._clock_s(), self._clock_ms())
        except UpstreamFault as fault:
            before = self._paces.get(key)
            self._pause(key, fault.again())
            self._witness.on_fault(key, fault, None if before is None else before.fault)
            raise
        return self._hold(key, held, newest, outcome)

    def _hold(
        self, key: Key, before: Holding | None, newest: Holding, outcome: Outcome
    ) -> External:
        spread = self._rng.uniform(1, 1 + SPREAD)
        self._paces[key] = Pace(newest.confirmed_at_s + newest.lifetime.fresh_s * spread)
        self._held[key] = newest
        self._witness.on_read(key, outcome)
        if outcome == "changed":
            self._announce(newest.edition, None if before is None else before.edition)
        return newest.edition

    def _forget(self, key: Key) -> None:
        """Hold that it is not there."""
        self._held.pop(key, None)
        self._pause(key, is_missing=True)
        self._witness.on_read(key, "missing")

    def _pause(
        self, key: Key, fault: UpstreamFault | None = None, *, is_missing: bool = False
    ) -> None:
        pause_s = self._sources[key[1]].ttl_s * self._rng.uniform(1, 1 + SPREAD)
        self._paces[key] = Pace(self._clock_s() + pause_s, fault, is_missing)
