"""What the gateway counts; no room, user or token is ever a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from room.commands import COMMANDS
from room.reconcile import CHANNELS

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped

_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """The instruments of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.connections = Gauge(
            "seatsync_connections", "Open push connections", ["channel"], registry=self.registry
        )
        self.snapshots = Counter(
            "seatsync_pushed_snapshots", "Snapshots sent", ["channel"], registry=self.registry
        )
        self.skipped = Counter(
            "seatsync_skipped_snapshots",
            "Snapshots overwritten in a mailbox before they were sent",
            ["channel"],
            registry=self.registry,
        )
        self.polls = Counter(
            "seatsync_polls", "Polls answered", ["status", "cache"], registry=self.registry
        )
        self._commands = Counter(
            "seatsync_commands", "Commands by outcome", ["cmd", "code"], registry=self.registry
        )
        self._system = Counter(
            "seatsync_system_commands",
            "Commands of the server itself that changed a room",
            ["cmd"],
            registry=self.registry,
        )
        self._documents = Counter(
            "seatsync_documents",
            "Attempts of services to set a document, by outcome",
            ["code"],
            registry=self.registry,
        )
        self._staleness = Histogram(
            "seatsync_client_staleness_seconds",
            "Commit to display, as sampled clients report it",
            ["channel"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def count_command(self, name: str, code: str) -> None:
        """Count one command; a name that is none counts as ``unknown``."""
        self._commands.labels(name if name in COMMANDS else "unknown", code).inc()

    def count_system(self, name: str) -> None:
        """Count one command of the server itself."""
        self._system.labels(name).inc()

    def count_document(self, code: str) -> None:
        """Count one attempt to set an ``x-`` document."""
        self._documents.labels(code).inc()

    def observe_applied(self, channel: str, lag_ms: float) -> None:
        """Take a client's report; clocks differ, so a negative lag counts as none."""
        if channel in CHANNELS:
            self._staleness.labels(channel).observe(max(0.0, lag_ms / 1000))

    def watch_store_reads(self, count: Callable[[], float]) -> None:
        """Show how often the poller asked the store."""
        gauge = Gauge(
            "seatsync_store_reads",
            "Reads of the store by the poller so far",
            registry=self.registry,
        )
        gauge.set_function(count)

    def render(self) -> bytes:
        """Give the text form that Prometheus reads."""
        return generate_latest(self.registry)
