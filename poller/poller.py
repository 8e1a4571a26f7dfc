"""Answers "what is it now" from memory, and asks the store once for all who ask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, Generic

from poller.cache import FRESH_S, STALE_S, Cache, Cached, Found, Freshness, H
from poller.flight import SingleFlight
from room.errors import SeatsyncError, Unavailable, Unreadable
from room.position import Position

log = logging.getLogger(__name__)

READ_DEADLINE_S: Final = 1.9
"""With the wait of whoever is ahead, a poll ends within two seconds."""
HOLD_OFF_S: Final = 1.0
"""After a failed read the store is left alone for this long where an old answer is at hand."""
AHEAD_S: Final = 0.1
"""Whoever is ahead of this node makes it ask the store again, this long after the last time at the
earliest: how often that is does not depend on how many are."""
MAX_READS: Final = 1024
"""Reads of the store that polls may have under way; a flood of cold keys is held back beyond."""


class Poller(Generic[H]):
    """The newest known edition of everything that is asked for here.

    ===================  =========================================================
    age of what is held  answer
    ===================  =========================================================
    up to 1 s            from memory
    up to 5 s            from memory, marked stale, while one read is under way
    more, or nothing     after one read, shared by all who wait
    store away           from memory, marked stale; ``Unavailable`` where nothing is
    too many reads       the same; ``OVERLOADED`` where nothing is held
    ===================  =========================================================

    Args:
        read: gives what the store holds under a key.
        missing: the error that says that there is nothing under a key.
        clock_s: monotonic.
        spawn: starts a task, owns it, and hears of an error that nobody waits for.
        announce: told of each edition that is newer than what was held, and what that was;
            memory comes first.
        max_held: editions held in memory.
        max_missing: keys held of what does not exist.
        max_reads: reads of the store under way for those who ask.
        is_kept: tells what is in use though nobody asks for it: followed rooms.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        read: Callable[[Any], Awaitable[H | None]],
        *,
        missing: Callable[[Any], SeatsyncError],
        clock_s: Callable[[], float],
        spawn: Callable[[Coroutine[Any, Any, H]], asyncio.Task[H]],
        announce: Callable[[H, H | None], None] = lambda edition, before: None,
        max_held: int = 20_000,
        max_missing: int = 10_000,
        max_reads: int = MAX_READS,
        is_kept: Callable[[Any], bool] = lambda key: False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sleep = sleep
        self._read = read
        self._missing = missing
        self._clock_s = clock_s
        self._announce = announce
        self._cache: Cache[H] = Cache(clock_s, max_held, max_missing, is_kept)
        self._max_reads = max_reads
        self._flights: SingleFlight[Any, H] = SingleFlight(spawn)
        self._hold_off_until_s = float("-inf")
        self._meanwhile: dict[Any, H] = {}
        self.reads = 0
        """Reads of the store so far."""

    def held(self, key: Any) -> H | None:
        """Give what is held, however old."""
        cached = self._cache.get(key)
        return None if cached is None else cached.edition

    def forget_missing(self, key: Any) -> None:
        """Believe no longer that there is nothing under a key: somebody may have put it there."""
        self._cache.forget_missing(key)

    def put(self, edition: H) -> H:
        """Take an edition, before it is acknowledged; gives the newest held.

        A newer one than what was held is announced.
        """
        meanwhile = self._meanwhile.get(edition.key)
        if meanwhile is not None and meanwhile.revision > edition.revision:
            edition = meanwhile
        elif edition.key in self._flights:
            self._meanwhile[edition.key] = edition
        held = self._cache.peek(edition.key)
        newest = self._cache.put(edition)
        if newest is edition:
            self._announce(edition, None if held is None else held.edition)
        return newest

    def find_now(
        self, key: Any, after: Position | None = None, doc: str = "state"
    ) -> Found[H] | None:
        """Give the newest edition that this node may answer with at once.

        Args:
            key: what it is found by; checked.
            after: where the caller stands; ahead of this node, the store is to be asked.
            doc: the document that ``after`` speaks of.

        Returns:
            None: the store is to be asked first, by ``find``.

        Raises:
            SeatsyncError: there is nothing under that key.
            Unavailable: the store is away and nothing is held.
        """
        cached = self._cache.get(key)
        if cached is None:
            self._check_cold(key)
            return None
        edition = cached.edition
        age_s = self._clock_s() - cached.confirmed_at_s
        behind = after is not None and after > edition.document(doc).position
        if age_s <= FRESH_S and not behind:
            return Found(edition, Freshness.HIT, age_s, FRESH_S, cached)
        if self._holds_off:
            return Found(edition, Freshness.STALE, age_s)
        if age_s <= FRESH_S + STALE_S and not behind:
            self._revalidate(key)
            return Found(edition, Freshness.STALE, age_s)
        return None

    async def find(self, key: Any, after: Position | None = None, doc: str = "state") -> Found[H]:
        """Give the newest edition that this node may answer with.

        Args:
            key: what it is found by; checked.
            after: where the caller stands; ahead of this node, the store is asked once.
            doc: the document that ``after`` speaks of.

        Raises:
            SeatsyncError: there is nothing under that key; ``OVERLOADED``.
            Unavailable: the store is away and nothing is held.
        """
        found = self.find_now(key, after, doc)
        if found is not None:
            return found
        cached = self._cache.peek(key)
        if cached is None:
            return await self._fetch(key)
        early_s = AHEAD_S - self._cache.age_s(cached)
        if early_s <= 0:
            return await self._fetch_or_keep(key, cached)
        await self._sleep(early_s)
        newest = self._cache.peek(key)
        if newest is not None and newest is not cached:  # somebody has asked the store meanwhile
            return Found(newest.edition, Freshness.COLLAPSED, self._cache.age_s(newest))
        return await self._fetch_or_keep(key, cached)

    async def refresh(self, key: Any) -> None:
        """Ask the store once more, by a read that begins after this call.

        Raises:
            SeatsyncError: there is nothing under that key.
            Unavailable: the store does not answer.
        """
        flight, joined = self._flights.start(key, lambda: self._load(key))
        if joined:  # it may have read before what the caller was told of
            with suppress(SeatsyncError):
                await self._flights.join(flight)
            flight, _ = self._flights.start(key, lambda: self._load(key))
        await self._flights.join(flight)

    def _check_cold(self, key: Any) -> None:
        if self._cache.is_missing(key):
            raise self._missing(key)
        if self._holds_off:
            raise Unavailable("the store does not answer")

    @property
    def _holds_off(self) -> bool:
        return self._clock_s() < self._hold_off_until_s

    def _is_full(self, key: Any) -> bool:
        """Tell whether a key would have to be read beyond the bound."""
        return len(self._flights) >= self._max_reads and key not in self._flights

    def _revalidate(self, key: Any) -> None:
        """Read behind an answer from memory; where too many are read, a later answer does it."""
        if not self._is_full(key):
            self._flights.start(key, lambda: self._load(key))

    async def _fetch(self, key: Any) -> Found[H]:
        if self._is_full(key):
            raise SeatsyncError("too much is read at once", code="OVERLOADED")
        flight, joined = self._flights.start(key, lambda: self._load(key))
        edition = self._newest(key, await self._flights.join(flight))
        return Found(edition, Freshness.COLLAPSED if joined else Freshness.MISS, 0.0)

    async def _fetch_or_keep(self, key: Any, cached: Cached[H]) -> Found[H]:
        """Read, and answer with what is held where that fails."""
        if not self._is_full(key):
            with suppress(Unavailable):
                return await self._fetch(key)
        return Found(cached.edition, Freshness.STALE, self._cache.age_s(cached))

    async def _load(self, key: Any) -> H:
        """Read once and hold what was found; what came in meanwhile and is newer stays.

        That is remembered beside the cache, which may forget it while the store is read.
        """
        try:
            return await self._load_once(key)
        finally:
            self._meanwhile.pop(key, None)

    async def _load_once(self, key: Any) -> H:
        self.reads += 1
        try:
            async with asyncio.timeout(READ_DEADLINE_S):
                edition = await self._read(key)
        except Unreadable:
            log.exception("what the store holds can't be read", extra={"key": key})
            raise
        except (TimeoutError, Unavailable) as error:
            self._hold_off_until_s = self._clock_s() + HOLD_OFF_S
            log.warning("the store can't be read", extra={"key": key, "cause": repr(error)})
            raise Unavailable("the store does not answer") from error
        if edition is None:
            return self._absent(key)
        return self.put(edition)

    def _absent(self, key: Any) -> H:
        """Hold that it is not there, unless it was created while the store was read.

        What was held before the read is gone from a store that lost it. To answer with it for ever
        would name positions that no precondition meets any more.
        """
        meanwhile = self._meanwhile.get(key)
        if meanwhile is not None:
            return self._cache.put(meanwhile)
        if self._cache.drop(key):
            log.warning("the store has lost what is held here", extra={"key": key})
        self._cache.put_missing(key)
        raise self._missing(key)

    def _newest(self, key: Any, edition: H) -> H:
        """Give what came in between the end of a read and the turn of who waited for it."""
        cached = self._cache.peek(key)
        if cached is None or cached.edition.revision < edition.revision:
            return edition
        return cached.edition
