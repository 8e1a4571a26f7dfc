"""The counters of one stream over the lives of its workers: they never run back."""

from __future__ import annotations

from typing import Final

import msgspec

from sei.counts import Counts

COUNTERS: Final = (
    "video_packets",
    "other_packets",
    "bytes_in",
    "injected",
    "removed",
    "repaired",
    "dropped",
    "reconnects",
    "crashes",
    "skips",
    "delay_sum_ms",
)


class Tally:
    """Adds what the present worker counts to what the former ones did."""

    def __init__(self) -> None:
        self._before = Counts()
        self._now = Counts()

    def hear(self, counts: Counts) -> None:
        """Take what the present worker says."""
        self._now = counts

    def bank(self) -> None:
        """The worker is gone, or the stream begins anew: the next counts start from zero."""
        self._before = self.total()
        self._now = Counts(epoch=self._now.epoch, version=self._now.version)

    def total(self) -> Counts:
        """Give the sums; what is no counter is as it was last said."""
        sums = {name: getattr(self._before, name) + getattr(self._now, name) for name in COUNTERS}
        pairs = zip(self._before.delay_counts, self._now.delay_counts, strict=True)
        return msgspec.structs.replace(self._now, **sums, delay_counts=[a + b for a, b in pairs])
