"""What a stream did in the last seconds, out of counters that only grow. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from sei.counts import DELAY_BOUNDS_MS, Counts

WINDOW_S: Final = 10.0


class Rate(NamedTuple):
    """Of the last seconds."""

    packets_per_s: float = 0.0
    delay_p50_ms: float | None = None
    """The bound of the bucket that holds it; None where nothing came, inf beyond the last."""
    delay_p99_ms: float | None = None


class _Sample(NamedTuple):
    at_s: float
    packets: int
    delay_counts: Sequence[int]


class Rates:
    """Remembers the counters of every stream for some seconds."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s: Final = window_s
        self._samples: Final[dict[str, deque[_Sample]]] = {}

    def note(self, now_s: float, streams: dict[str, Counts]) -> None:
        """Remember how far the counters are; streams that are not there are forgotten."""
        for name in self._samples.keys() - streams.keys():
            del self._samples[name]
        for name, counts in streams.items():
            samples = self._samples.setdefault(name, deque())
            packets = counts.video_packets + counts.other_packets
            if samples and packets < samples[-1].packets:  # another stream of the same name
                samples.clear()
            samples.append(_Sample(now_s, packets, tuple(counts.delay_counts)))
            while now_s - samples[0].at_s > self._window_s:
                samples.popleft()

    def of(self, name: str) -> Rate:
        """Say what a stream did between the first and the last that is remembered."""
        samples = self._samples.get(name)
        if not samples or samples[-1].at_s <= samples[0].at_s:
            return Rate()
        first, last = samples[0], samples[-1]
        pairs = zip(first.delay_counts, last.delay_counts, strict=True)
        delays = [after - before for before, after in pairs]
        return Rate(
            (last.packets - first.packets) / (last.at_s - first.at_s),
            quantile(delays, 0.5),
            quantile(delays, 0.99),
        )


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Give the upper bound of the bucket of the delays that holds a share of them.

    Returns:
        Milliseconds; inf beyond the last bound; None where there are no delays.
    """
    total = sum(counts)
    if total <= 0:
        return None
    passed = 0
    for bound, count in zip((*DELAY_BOUNDS_MS, float("inf")), counts, strict=True):
        passed += count
        if passed >= share * total:
            return float(bound)
    return float("inf")
