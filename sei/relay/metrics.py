"""The relay's metrics for Prometheus; counters do not run back when a worker starts anew."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from sei.counts import DELAY_BOUNDS_MS
from sei.relay.status import Status, StreamStatus, is_broken

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS: Final = {
    "video_packets": "Access units that came in.",
    "other_packets": "Packets of sound and other kinds that came in.",
    "bytes_in": "Bytes that came in.",
    "injected": "Messages that were put in.",
    "removed": "Messages with our UUID that came with the input and were taken out.",
    "repaired": "Times that ran backwards or jumped and were put right.",
    "dropped": "Packets that no output could take.",
    "reconnects": "Times that the input was connected again.",
    "crashes": "Faults of the relay after which the stream began again.",
    "skips": "Times that a slow player was moved to the next keyframe.",
}
_OF_STATES: Final = {
    "reconnects": "Push connections to the gateway after the first.",
    "push_failures": "Push connections that ended, or were never made.",
    "poll_failures": "Polls that were not answered.",
    "snapshots": "Snapshots that were newer than what was held.",
    "refused": "Snapshots that must not go into a stream.",
    "too_large": "Snapshots that did not fit under a size limit.",
}
_STATES: Final = (
    *("connecting", "live", "stalled", "waiting", "ended", "failed"),
    *("restarting", "stopping"),
)


def write_metrics(status: Status) -> bytes:
    """Write everything in the text format."""
    registry = CollectorRegistry()
    registry.register(_Relay(status))
    return generate_latest(registry)


class _Relay(Collector):
    def __init__(self, status: Status) -> None:
        self._status: Final = status

    def collect(self) -> Iterator[Metric]:
        """Give every family."""
        yield from _counters(self._status.streams)
        yield from _gauges(self._status.streams)
        yield _delays(self._status.streams)
        yield _ages(self._status)
        yield from _workers(self._status)
        yield from _states(self._status.states)


def _counters(streams: list[StreamStatus]) -> Iterator[Metric]:
    for name, text in _COUNTERS.items():
        family = CounterMetricFamily(f"seatsync_relay_{name}", text, labels=("stream",))
        for stream in streams:
            family.add_metric((stream.name,), getattr(stream.counts, name))
        yield family


def _gauges(streams: list[StreamStatus]) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "seatsync_relay_input_state", "1 for the state of the input.", labels=("stream", "state")
    )
    players = GaugeMetricFamily("seatsync_relay_players", "Players now.", labels=("stream",))
    stripped = GaugeMetricFamily(
        "seatsync_sei_stripped",
        "1 where the egress probe found that messages get lost on the way.",
        labels=("stream",),
    )
    outputs = GaugeMetricFamily(
        "seatsync_relay_output_errors", "Outputs that do not work now.", labels=("stream",)
    )
    for stream in streams:
        for state in _STATES:
            states.add_metric((stream.name, state), stream.state == state)
        players.add_metric((stream.name,), stream.counts.players)
        stripped.add_metric((stream.name,), stream.counts.stripped)
        broken = sum(is_broken(text) for text in stream.outputs.values())
        outputs.add_metric((stream.name,), broken)
    yield from (states, players, stripped, outputs)


def _delays(streams: list[StreamStatus]) -> Metric:
    family = HistogramMetricFamily(
        "seatsync_relay_delay_seconds",
        "How long a packet was held between input and outputs.",
        labels=("stream",),
    )
    bounds = [*(str(bound / 1000) for bound in DELAY_BOUNDS_MS), "+Inf"]
    for stream in streams:
        sums = accumulate(stream.counts.delay_counts)
        buckets = list(zip(bounds, map(float, sums), strict=True))
        family.add_metric((stream.name,), buckets, stream.counts.delay_sum_ms / 1000)
    return family


def _ages(status: Status) -> Metric:
    family = GaugeMetricFamily(
        "seatsync_relay_state_age_seconds",
        "Since the gateway last confirmed the state of a room; absent before the first time.",
        labels=("room",),
    )
    for room, age_s in status.room_ages_s.items():
        if age_s is not None:
            family.add_metric((room,), age_s)
    return family


def _workers(status: Status) -> Iterator[Metric]:
    restarts = CounterMetricFamily("seatsync_relay_worker_restarts", "Workers started anew.")
    restarts.add_metric((), status.restarts)
    hangs = CounterMetricFamily(
        "seatsync_relay_worker_hangs", "Workers that hung, or grew too far."
    )
    hangs.add_metric((), status.hangs)
    rss = GaugeMetricFamily(
        "seatsync_relay_worker_rss_bytes", "Memory of a worker; 0 is the spare.", labels=("worker",)
    )
    for worker in status.workers:
        rss.add_metric((str(worker.place),), worker.rss_bytes)
    yield from (restarts, hangs, rss)


def _states(states: dict[str, Any]) -> Iterator[Metric]:
    """Tell how the states come in, of what the source knows about itself."""
    channel = GaugeMetricFamily(
        "seatsync_relay_states_channel", "1 for the channel in use.", labels=("channel",)
    )
    for name in ("ws", "poll") if states else ():
        channel.add_metric((name,), states.get("channel") == name)
    rooms = GaugeMetricFamily(
        "seatsync_relay_states_rooms", "Rooms, by how their state comes.", labels=("by",)
    )
    for by, key in (("push", "rooms_pushed"), ("poll", "rooms_polled"), ("none", "rooms_missing")):
        if key in states:
            rooms.add_metric((by,), states[key])
    yield from (channel, rooms)
    for key, text in _OF_STATES.items():
        if key in states:
            family = CounterMetricFamily(f"seatsync_relay_states_{key}", text)
            family.add_metric((), states[key])
            yield family
