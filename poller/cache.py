"""What this node knows of rooms, and how long it may be believed; bounded in both directions."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from cachetools import LRUCache, TTLCache

from room.snapshot import Edition

FRESH_S: Final = 1.0
"""How long a read answers polls without a question to the store."""
STALE_S: Final = 4.0
"""How much longer it answers while a new read is under way."""
MISSING_S: Final = 1.0
"""How long "no such room" is believed."""


class Freshness(Enum):
    """Where an answer came from (RFC 9211)."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"
    COLLAPSED = "collapsed"


class Found(NamedTuple):
    """An edition, and how it was come by."""

    edition: Edition
    freshness: Freshness
    age_s: float
    """Since the store last confirmed it."""


class Cached(NamedTuple):
    """An edition and when the store last confirmed it."""

    edition: Edition
    confirmed_at_s: float


class Cache:
    """The newest edition known of each room; the least recently asked for leaves first.

    A room that does not exist takes a place in a cache of its own, so that random ids can't push
    out rooms that do.
    """

    def __init__(self, clock_s: Callable[[], float], max_rooms: int, max_missing: int) -> None:
        self._clock_s = clock_s
        self._rooms: LRUCache[str, Cached] = LRUCache(max_rooms)
        self._missing: TTLCache[str, None] = TTLCache(max_missing, MISSING_S, timer=clock_s)

    def get(self, room: str) -> Cached | None:
        """Give what is known of a room; age is the caller's business."""
        return self._rooms.get(room)

    def age_s(self, cached: Cached) -> float:
        """Tell how long ago the store confirmed it."""
        return self._clock_s() - cached.confirmed_at_s

    def put(self, edition: Edition) -> Edition:
        """Hold an edition unless a newer one is held; either way the room was confirmed now."""
        self._missing.pop(edition.room, None)
        held = self._rooms.get(edition.room)
        if held is not None and held.edition.position >= edition.position:
            edition = held.edition
        self._rooms[edition.room] = Cached(edition, self._clock_s())
        return edition

    def is_missing(self, room: str) -> bool:
        """Tell whether the store said a moment ago that there is no such room."""
        return room in self._missing

    def put_missing(self, room: str) -> None:
        """Remember that there is no such room, unless it came into being meanwhile."""
        if room not in self._rooms:
            self._missing[room] = None
