"""A bounded memory that a flood of what is asked for once can't wash out: a segmented LRU."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

V = TypeVar("V")

PROVEN_OF_5: Final = 4
"""How much of the room is for what was asked for again, in fifths."""
SETTLED_S: Final = 1.0
"""Uses within this time of the first one count as one: a page asks for a room several times."""
SPARED_AT_ONCE: Final = 4
"""How many that are kept are passed over to find one that may leave."""


class Segments(Generic[V]):
    """Two LRU lists under one bound: on trial, and proven by a later use.

    What is new is on trial. Whoever asks for ever other keys pushes out what is on trial, and what
    is proven stays; its least recently used goes back on trial where there are too many. Every
    call is O(1).

    Args:
        size: how many are held.
        clock_s: monotonic.
        is_kept: tells what is in use in another way; it is proven where it would have to leave.
        evicted: told of each value that had to leave.
    """

    def __init__(
        self,
        size: int,
        clock_s: Callable[[], float],
        is_kept: Callable[[Any], bool] = lambda key: False,
        evicted: Callable[[V], None] = lambda value: None,
    ) -> None:
        self._evicted = evicted
        self._size = size
        self._max_proven = size * PROVEN_OF_5 // 5
        self._clock_s = clock_s
        self._is_kept = is_kept
        self._proven: OrderedDict[Any, V] = OrderedDict()
        self._trial: OrderedDict[Any, tuple[V, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._proven) + len(self._trial)

    def __contains__(self, key: Any) -> bool:
        return key in self._proven or key in self._trial

    def get(self, key: Any) -> V | None:
        """Give what is held and note that it was used."""
        value = self._proven.get(key)
        if value is not None:
            self._proven.move_to_end(key)
            return value
        tried = self._trial.get(key)
        if tried is None:
            return None
        if self._clock_s() - tried[1] < SETTLED_S:
            self._trial.move_to_end(key)
        else:
            self._prove(key)
        return tried[0]

    def peek(self, key: Any) -> V | None:
        """Give what is held; that is no use of it."""
        value = self._proven.get(key)
        if value is not None:
            return value
        tried = self._trial.get(key)
        return None if tried is None else tried[0]

    def __setitem__(self, key: Any, value: V) -> None:
        """Hold a value, the most recent of its list; what is new is on trial."""
        if key in self._proven:
            self._proven[key] = value
            self._proven.move_to_end(key)
            return
        tried = self._trial.pop(key, None)
        self._trial[key] = (value, self._clock_s() if tried is None else tried[1])
        if len(self) > self._size:
            self._evict()

    def pop(self, key: Any) -> V | None:
        """Forget a key, and give what was held."""
        if key in self._proven:
            return self._proven.pop(key)
        tried = self._trial.pop(key, None)
        return None if tried is None else tried[0]

    def _prove(self, key: Any) -> None:
        self._proven[key] = self._trial.pop(key)[0]
        if len(self._proven) > self._max_proven:
            least, value = self._proven.popitem(last=False)
            self._trial[least] = (value, float("-inf"))

    def _evict(self) -> None:
        for _ in range(SPARED_AT_ONCE):
            key = next(iter(self._trial))
            if not self._is_kept(key):
                break
            self._prove(key)
        _, (value, _) = self._trial.popitem(last=False)
        self._evicted(value)
