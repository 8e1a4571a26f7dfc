"""Answers "what is the state of this room" from memory, and asks the store once for all who ask."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from poller.cache import FRESH_S, STALE_S, Cache, Cached, Found, Freshness
from poller.flight import SingleFlight, join
from room.errors import RoomNotFound, Unavailable, Unreadable
from room.position import Position
from room.snapshot import Edition, Stored

log = logging.getLogger(__name__)

READ_DEADLINE_S: Final = 2.0
HOLD_OFF_S: Final = 1.0
"""After a failed read the store is left alone for this long where an old answer is at hand."""

Read = Callable[[str], Awaitable[Stored | None]]


class Poller:
    """The newest known edition of every room that is asked for here.

    ===================  =========================================================
    age of what is held  answer
    ===================  =========================================================
    up to 1 s            from memory
    up to 5 s            from memory, marked stale, while one read is under way
    more, or nothing     after one read, shared by all who wait
    store away           from memory, marked stale; ``Unavailable`` where nothing is
    ===================  =========================================================

    Args:
        read: gives a room from the store.
        clock_s: monotonic.
        spawn: starts a task, owns it, and hears of an error that nobody waits for.
        announce: told of each edition that is newer than what was held, and what that was;
            memory comes first.
        max_rooms: rooms held in memory.
        max_missing: ids held of rooms that do not exist.
    """

    def __init__(
        self,
        read: Read,
        *,
        clock_s: Callable[[], float],
        spawn: Callable[[Coroutine[Any, Any, Edition]], asyncio.Task[Edition]],
        announce: Callable[[Edition, Edition | None], None] = lambda edition, before: None,
        max_rooms: int = 20_000,
        max_missing: int = 10_000,
    ) -> None:
        self._read = read
        self._clock_s = clock_s
        self._announce = announce
        self._cache = Cache(clock_s, max_rooms, max_missing)
        self._flights: SingleFlight[str, Edition] = SingleFlight(spawn)
        self._hold_off_until_s = float("-inf")
        self._meanwhile: dict[str, Edition] = {}
        self.reads = 0
        """Reads of the store so far."""

    def put(self, edition: Edition) -> Edition:
        """Take an edition, before it is acknowledged; gives the newest held.

        A newer one than what was held is announced.
        """
        meanwhile = self._meanwhile.get(edition.room)
        if meanwhile is not None and meanwhile.position > edition.position:
            edition = meanwhile
        elif edition.room in self._flights:
            self._meanwhile[edition.room] = edition
        held = self._cache.get(edition.room)
        newest = self._cache.put(edition)
        if newest is edition:
            self._announce(edition, None if held is None else held.edition)
        return newest

    async def find(self, room: str, after: Position | None = None) -> Found:
        """Give the newest edition that this node may answer with.

        Args:
            room: a checked room id.
            after: where the caller stands; ahead of this node, the store is asked once.

        Raises:
            RoomNotFound: there is no such room.
            Unavailable: the store is away and nothing is held.
        """
        cached = self._cache.get(room)
        if cached is None:
            return await self._find_cold(room)
        age_s = self._cache.age_s(cached)
        behind = after is not None and after > cached.edition.position
        if age_s <= FRESH_S and not behind:
            return Found(cached.edition, Freshness.HIT, age_s)
        if self._holds_off:
            return Found(cached.edition, Freshness.STALE, age_s)
        if age_s <= FRESH_S + STALE_S and not behind:
            self._flights.start(room, lambda: self._load(room))
            return Found(cached.edition, Freshness.STALE, age_s)
        return await self._fetch_or_keep(room, cached)

    async def _find_cold(self, room: str) -> Found:
        if self._cache.is_missing(room):
            raise RoomNotFound(room)
        if self._holds_off:
            raise Unavailable("the store does not answer")
        return await self._fetch(room)

    @property
    def _holds_off(self) -> bool:
        return self._clock_s() < self._hold_off_until_s

    async def _fetch(self, room: str) -> Found:
        flight, joined = self._flights.start(room, lambda: self._load(room))
        edition = self._newest(room, await join(flight))
        return Found(edition, Freshness.COLLAPSED if joined else Freshness.MISS, 0.0)

    async def _fetch_or_keep(self, room: str, cached: Cached) -> Found:
        try:
            return await self._fetch(room)
        except Unavailable:
            return Found(cached.edition, Freshness.STALE, self._cache.age_s(cached))

    async def _load(self, room: str) -> Edition:
        """Read one room and hold what was found; what came in meanwhile and is newer stays.

        That is remembered beside the cache, which may forget it while the store is read.
        """
        try:
            return await self._load_once(room)
        finally:
            self._meanwhile.pop(room, None)

    async def _load_once(self, room: str) -> Edition:
        self.reads += 1
        try:
            async with asyncio.timeout(READ_DEADLINE_S):
                stored = await self._read(room)
        except Unreadable:
            log.exception("a room can't be read", extra={"room": room})
            raise
        except (TimeoutError, Unavailable) as error:
            self._hold_off_until_s = self._clock_s() + HOLD_OFF_S
            log.warning("the store can't be read", extra={"room": room, "cause": repr(error)})
            raise Unavailable("the store does not answer") from error
        if stored is None:
            return self._missing(room)
        return self.put(Edition(stored))

    def _missing(self, room: str) -> Edition:
        """Hold that there is no such room, unless it was created while the store was read."""
        meanwhile = self._meanwhile.get(room)
        if meanwhile is not None:
            return self._cache.put(meanwhile)
        cached = self._cache.get(room)
        if cached is not None:
            return cached.edition
        self._cache.put_missing(room)
        raise RoomNotFound(room)

    def _newest(self, room: str, edition: Edition) -> Edition:
        """Give what came in between the end of a read and the turn of who waited for it."""
        cached = self._cache.get(room)
        if cached is None or cached.edition.position < edition.position:
            return edition
        return cached.edition
