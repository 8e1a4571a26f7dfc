"""Histograms of the hot path: many equal observations at once, without a lock."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

FINE_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""From half a millisecond to what nobody should wait."""


class Spread(Collector):
    """How long something took, counted by the loop's own thread.

    Args:
        name: of the metric, in seconds.
        help_: what it says.
        bounds: upper ends of the buckets, rising.
    """

    def __init__(self, name: str, help_: str, bounds: Sequence[float] = FINE_S) -> None:
        self._name = name
        self._help = help_
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum_s = 0.0

    def observe(self, seconds: float, count: int = 1) -> None:
        """Note that something took so long, so many times."""
        self._counts[bisect_left(self._bounds, seconds)] += count
        self._sum_s += seconds * count

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Give the counts as they are now."""
        total, buckets = 0, []
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            buckets.append((_shown(bound), total))
        family = HistogramMetricFamily(self._name, self._help)
        family.add_metric([], buckets, self._sum_s)
        yield family


def _shown(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(bound)
