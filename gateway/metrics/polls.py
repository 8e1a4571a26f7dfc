"""Counts of the hot path: plain numbers that Prometheus' form is made of when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class PollTally(Collector):
    """Polls answered, by status and by where the answer came from.

    An instrument of the library takes a lock for each event; here the loop's own thread counts.
    """

    def __init__(self) -> None:
        self.counts: Final[Counter[tuple[int, str]]] = Counter()
        """By HTTP status and freshness; ``none`` for an error."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Give the counts as they are now."""
        family = CounterMetricFamily("seatsync_polls", "Polls answered", labels=["status", "cache"])
        for (status, cache), count in self.counts.items():
            family.add_metric([str(status), cache], count)
        yield family
