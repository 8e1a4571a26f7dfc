"""Counts of the push channels: plain numbers, read when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally:
    """Counts of one channel; the loop's own thread counts."""

    __slots__ = ("open", "sent", "skipped")

    def __init__(self) -> None:
        self.open = 0
        self.sent = 0
        """Snapshots handed to a socket."""
        self.skipped = 0
        """Snapshots that were overwritten before a slow reader took them."""


class ChannelTallies(Collector):
    """The tallies of all push channels, by name."""

    def __init__(self, tallies: Mapping[str, Tally]) -> None:
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        """Give the counts as they are now."""
        labels = ["channel"]
        opened = GaugeMetricFamily("seatsync_connections", "Open push connections", labels=labels)
        sent = CounterMetricFamily("seatsync_pushed_snapshots", "Snapshots sent", labels=labels)
        skipped = CounterMetricFamily(
            "seatsync_skipped_snapshots",
            "Snapshots overwritten in a mailbox before they were sent",
            labels=labels,
        )
        for name, tally in self._tallies.items():
            opened.add_metric([name], tally.open)
            sent.add_metric([name], tally.sent)
            skipped.add_metric([name], tally.skipped)
        yield from (opened, sent, skipped)
