"""What this node knows, and how long it may be believed; bounded in both directions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from poller.segments import Segments
from room.snapshot import Published

FRESH_S: Final = 1.0
"""How long a read answers polls without a question to the store."""
STALE_S: Final = 4.0
"""How much longer it answers while a new read is under way."""
MISSING_S: Final = 1.0
"""How long "there is none" is believed."""


class Freshness(Enum):
    """Where an answer came from (RFC 9211)."""

    HIT = "hit"
    STALE = "stale"
    MISS = "miss"
    COLLAPSED = "collapsed"


class Held(Protocol):
    """What this node may hold under a key: a room, or a document of a service."""

    @property
    def key(self) -> Any:
        """What it is found by."""
        ...

    @property
    def revision(self) -> tuple[int, ...]:
        """One order over everything that it went through."""
        ...

    def document(self, doc: str) -> Published:
        """Give one document of it."""
        ...


H = TypeVar("H", bound=Held)
E_co = TypeVar("E_co", covariant=True)


class Cached(Generic[E_co]):
    """Something held, and when the store last confirmed it.

    Attributes:
        is_newest: whether it is what is held under its key; for those who remember it.
        fresh_until_s: when it begins to be stale.
        memo: what others have made of it, and drop with it.
    """

    __slots__ = ("confirmed_at_s", "edition", "fresh_until_s", "is_newest", "memo")

    def __init__(self, edition: E_co, confirmed_at_s: float) -> None:
        self.edition: Final = edition
        self.confirmed_at_s: Final = confirmed_at_s
        self.fresh_until_s: Final = confirmed_at_s + FRESH_S
        self.is_newest = True
        self.memo: dict[Any, Any] = {}

    def outdate(self) -> None:
        """Another one is held in its place, or none."""
        self.is_newest = False
        self.memo.clear()  # which may know this one: nothing is left to be collected


class Found(NamedTuple, Generic[E_co]):
    """Something held, and how it was come by."""

    edition: E_co
    freshness: Freshness
    age_s: float
    """Since its source last confirmed it."""
    fresh_s: float = FRESH_S
    """Up to which age it was no question."""
    source: Cached[Any] | None = None
    """Where it is held, if it is a fresh hit."""


class Cache(Generic[H]):
    """The newest known under each key; what was asked for once leaves before what is in use.

    A key that does not exist takes a place in a cache of its own, so that random ids can't push
    out what does.

    Args:
        clock_s: monotonic.
        max_held: how many are held.
        max_missing: how many keys are held of what does not exist.
        is_kept: tells what is in use though nobody asks for it.
    """

    def __init__(
        self,
        clock_s: Callable[[], float],
        max_held: int,
        max_missing: int,
        is_kept: Callable[[Any], bool] = lambda key: False,
    ) -> None:
        self._clock_s = clock_s
        self._held: Segments[Cached[H]] = Segments(max_held, clock_s, is_kept, Cached.outdate)
        self._max_missing = max_missing
        self._missing: OrderedDict[Any, float] = OrderedDict()
        """Until when each is believed; the first is over first."""

    def get(self, key: Any) -> Cached[H] | None:
        """Give what is known to somebody who asks for it; age is the caller's business."""
        return self._held.get(key)

    def peek(self, key: Any) -> Cached[H] | None:
        """Give what is known; nobody has asked for it."""
        return self._held.peek(key)

    def age_s(self, cached: Cached[H]) -> float:
        """Tell how long ago the store confirmed it."""
        return self._clock_s() - cached.confirmed_at_s

    def put(self, edition: H) -> H:
        """Hold an edition unless a newer one is held; either way it was confirmed now."""
        self._missing.pop(edition.key, None)
        held = self._held.peek(edition.key)
        if held is not None and held.edition.revision >= edition.revision:
            edition = held.edition
        if held is not None:
            held.outdate()
        self._held[edition.key] = Cached(edition, self._clock_s())
        return edition

    def drop(self, key: Any) -> bool:
        """Forget what is held under a key, and tell whether anything was."""
        dropped = self._held.pop(key)
        if dropped is not None:
            dropped.outdate()
        return dropped is not None

    def is_missing(self, key: Any) -> bool:
        """Tell whether the store said a moment ago that it is not there."""
        until_s = self._missing.get(key)
        return until_s is not None and self._clock_s() < until_s

    def forget_missing(self, key: Any) -> None:
        """Believe no longer that it is not there."""
        self._missing.pop(key, None)

    def put_missing(self, key: Any) -> None:
        """Remember that it is not there, unless it came into being meanwhile."""
        if key in self._held:
            return
        now_s = self._clock_s()
        self._missing.pop(key, None)
        self._missing[key] = now_s + MISSING_S
        while len(self._missing) > self._max_missing or next(iter(self._missing.values())) <= now_s:
            self._missing.popitem(last=False)
