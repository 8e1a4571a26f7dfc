"""What is counted of upstreams; the names of documents come from the configuration, so few."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge


class Counts:
    """The instruments of the upstreams of one gateway."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reads = Counter(
            "seatsync_upstream_reads",
            "Reads of upstreams by how they ended",
            ["doc", "outcome"],
            registry=registry,
        )
        self._open = Gauge(
            "seatsync_upstream_open",
            "Whether an upstream is left alone because it failed",
            ["doc"],
            registry=registry,
        )

    def count_read(self, doc: str, outcome: str) -> None:
        """Count one read: ``changed``, ``same``, ``stale``, ``missing``, or the reason of a fault.

        A read that was not sent, since the circuit is open, counts as ``open``.
        """
        self._reads.labels(doc, outcome).inc()

    def watch_circuit(self, doc: str, is_open: Callable[[], bool]) -> None:
        """Show whether the circuit of an upstream is open."""
        self._open.labels(doc).set_function(lambda: float(is_open()))
