"""Packets of several tracks in the order of their times, with no more delay than the input needs.

An input whose packets come in order is not held up at all, whatever track is silent. One whose
sound comes behind its pictures shows by how much; from then on everything waits that long, in
times of the stream. Pure.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Final

from sei.packets.layout import Item, Layout

MAX_SKEW_US: Final = 1_000_000
"""Packets that come later than this stay out of order."""


class Sorter:
    """A queue that learns how late packets come."""

    def __init__(self) -> None:
        self._waiting: Final[list[tuple[int, int, Item, Layout]]] = []
        self._number: Final = count()
        self._head_us = 0
        self.skew_us = 0

    def push(self, item: Item, layout: Layout) -> list[tuple[Item, Layout]]:
        """Take a packet, and what it belongs to; give those that are due, in order."""
        self._head_us = max(self._head_us, item.dts_us)
        late_us = self._head_us - item.dts_us
        for seen_us in (late_us, layout.skew_us):
            if self.skew_us < seen_us <= MAX_SKEW_US:
                self.skew_us = seen_us
        heappush(self._waiting, (item.dts_us, next(self._number), item, layout))
        return self._until(self._head_us - self.skew_us)

    def drain(self) -> list[tuple[Item, Layout]]:
        """Give all that waits, in order."""
        return self._until(self._head_us)

    def _until(self, due_us: int) -> list[tuple[Item, Layout]]:
        due = []
        while self._waiting and self._waiting[0][0] <= due_us:
            due.append(heappop(self._waiting)[2:])
        return due
