"""A timing wheel: deadlines of very many connections, by one task and no timer of their own.

Deadlines lie in a ring of buckets, one for each step of time; to set or to clear one costs a set
operation. They are coarse on purpose: never early, late by two steps at most on a loop that keeps
up, and by as much as the loop stalls on one that does not.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Protocol

log = logging.getLogger(__name__)

UNSET: Final = -1


class Due(Protocol):
    """What can be set on a wheel; it has one deadline at a time."""

    wheel_slot: int
    """The wheel's own bookkeeping; -1 where nothing is set."""

    def due(self) -> None:
        """Its time has come; it may set itself again."""


class Wheel:
    """The deadlines of everything that was set on it.

    Args:
        step_s: the resolution.
        slots: how many steps ahead a deadline can be, less one; what is further is taken as that.
        slice_: how many entries are called before the loop gets its turn.
    """

    def __init__(self, step_s: float = 0.25, slots: int = 256, slice_: int = 256) -> None:
        self._step_s = step_s
        self._slice = slice_
        self._buckets: list[set[Due]] = [set() for _ in range(slots)]
        self._now = 0
        self._stepped_s = -math.inf

    def set(self, entry: Due, in_s: float) -> None:
        """Call ``entry.due`` when so much time has passed; an earlier deadline of it is dropped."""
        slots = len(self._buckets)
        # One step more: the present one is partly over already.
        ahead = min(max(math.ceil(in_s / self._step_s), 0) + 1, slots - 1)
        slot = (self._now + ahead) % slots
        if slot == entry.wheel_slot:
            return
        if entry.wheel_slot >= 0:
            self._buckets[entry.wheel_slot].discard(entry)
        entry.wheel_slot = slot
        self._buckets[slot].add(entry)

    def clear(self, entry: Due) -> None:
        """Drop the deadline of an entry, if it has one."""
        if entry.wheel_slot >= 0:
            self._buckets[entry.wheel_slot].discard(entry)
            entry.wheel_slot = UNSET

    def advance(self, now_s: float) -> Iterator[None]:
        """Take one step if about one has passed since the last, and call what is due.

        One step at most, however much time has passed: after a stall the peers get the time that
        we did not listen to them.

        Yields:
            After each slice of entries.
        """
        if now_s - self._stepped_s < self._step_s / 2:  # a loop's timers may come a little early
            return
        self._stepped_s = now_s
        self._now = (self._now + 1) % len(self._buckets)
        bucket = self._buckets[self._now]
        while bucket:
            for _ in range(min(self._slice, len(bucket))):
                if not bucket:  # one entry may clear others
                    break
                entry = bucket.pop()
                entry.wheel_slot = UNSET
                _call(entry)
            yield

    async def run(
        self,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Turn until cancelled; what was set stays set."""
        next_s = clock_s()
        while True:
            next_s = max(next_s + self._step_s, clock_s())
            await sleep(next_s - clock_s())
            for _ in self.advance(clock_s()):
                await sleep(0)


def _call(entry: Due) -> None:
    try:
        entry.due()
    except Exception:
        log.exception("a deadline failed", extra={"of": type(entry).__name__})
