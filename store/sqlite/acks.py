"""The newest acks in memory, and whether they are all there are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from store.port import KEEP_ACKS_MS
from store.sqlite.rows import AckKey

CAPACITY: Final = 200_000


class RecentAcks:
    """A bounded window over the acks on disk; encoded, so that the garbage collector skips them.

    An ack that leaves the window marks how young an ack may be that is on disk alone. As long as
    all of those are past ``KEEP_ACKS_MS``, a key that is not here was not accepted.
    """

    def __init__(self, now_ms: int, capacity: int = CAPACITY) -> None:
        self.capacity: Final = capacity
        self.added = 0
        """How many ever came."""
        self._kept: dict[AckKey, tuple[int, bytes]] = {}
        self._order: deque[AckKey] = deque()
        self._gone_until_ms = now_ms - KEEP_ACKS_MS - 1

    def load(self, newest_first: Iterable[tuple[AckKey, int, bytes]]) -> None:
        """Take what the disk has, up to the capacity."""
        loaded = list(newest_first)
        for _, kept_at_ms, _ in loaded[self.capacity :]:
            self._gone_until_ms = max(self._gone_until_ms, kept_at_ms)
        for key, kept_at_ms, receipt in reversed(loaded[: self.capacity]):
            self.add(key, kept_at_ms, receipt, now_ms=kept_at_ms)

    def add(self, key: AckKey, kept_at_ms: int, receipt: bytes, now_ms: int) -> None:
        """Take the newest ack; the oldest go where there are too many, or past their time."""
        self.added += 1
        self._kept[key] = (kept_at_ms, receipt)
        self._order.append(key)
        if len(self._order) > self.capacity:
            self._drop_oldest()
        for _ in range(2):  # two for one: it shrinks, and no call takes long
            if self._order and self._kept[self._order[0]][0] < now_ms - KEEP_ACKS_MS:
                self._drop_oldest()

    def find(self, key: AckKey) -> bytes | None:
        """Give the encoded receipt, if it is here."""
        kept = self._kept.get(key)
        return None if kept is None else kept[1]

    def is_complete(self, now_ms: int) -> bool:
        """Tell whether every ack that must be found at that time is here."""
        return self._gone_until_ms < now_ms - KEEP_ACKS_MS

    def _drop_oldest(self) -> None:
        kept_at_ms, _ = self._kept.pop(self._order.popleft())
        self._gone_until_ms = max(self._gone_until_ms, kept_at_ms)
