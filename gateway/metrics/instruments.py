"""What the gateway counts; no room, user or token is ever a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from gateway.metrics.channels import ChannelTallies, Tally
from gateway.metrics.polls import PollTally
from gateway.metrics.spread import Spread
from room.commands import COMMANDS
from room.reconcile import CHANNELS

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped

_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """The instruments of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.polls: Final = PollTally()
        self.to_mailbox: Final = Spread(
            "seatsync_push_commit_to_mailbox_seconds",
            "From the commit of a document until its followers at this node begin to be served",
        )
        self.to_socket: Final = Spread(
            "seatsync_push_mailbox_to_socket_seconds",
            "From then until the snapshot is handed to a follower's socket, or kept for it if it "
            "takes no more",
        )
        self.stall: Final = Spread(
            "seatsync_loop_stall_seconds", "How much later than it should the event loop wakes"
        )
        for collector in (self.polls, self.to_mailbox, self.to_socket, self.stall):
            self.registry.register(collector)
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

    def observe_published(self, ms: float) -> None:
        """Note how long ago a room was committed that its followers begin to be served."""
        self.to_mailbox.observe(max(0.0, ms / 1000))

    def watch_channels(self, tallies: Mapping[str, Tally]) -> None:
        """Show what the push channels count."""
        self.registry.register(ChannelTallies(tallies))

    def watch_admission(self, refused: Callable[[], float]) -> None:
        """Show how many push connections were told to poll and come back."""
        counter = Gauge(
            "seatsync_push_deferred",
            "Push connections so far that were told to poll for a while, since too many came",
            registry=self.registry,
        )
        counter.set_function(refused)

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
