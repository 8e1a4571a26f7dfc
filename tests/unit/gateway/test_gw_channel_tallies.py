from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from gateway.metrics.channels import ChannelTallies, Tally


def render(**tallies: Tally) -> list[str]:
    registry = CollectorRegistry()
    registry.register(ChannelTallies(tallies))
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_each_channel_is_counted_by_name() -> None:
    ws, sse = Tally(), Tally()
    ws.open, ws.sent, ws.skipped = 3, 40, 5
    sse.open = 1
    assert render(ws=ws, sse=sse) == [
        'seatsync_connections{channel="ws"} 3.0',
        'seatsync_connections{channel="sse"} 1.0',
        'seatsync_pushed_snapshots_total{channel="ws"} 40.0',
        'seatsync_pushed_snapshots_total{channel="sse"} 0.0',
        'seatsync_skipped_snapshots_total{channel="ws"} 5.0',
        'seatsync_skipped_snapshots_total{channel="sse"} 0.0',
    ]


def test_counts_are_those_of_the_moment_they_are_asked_for() -> None:
    registry, ws = CollectorRegistry(), Tally()
    registry.register(ChannelTallies({"ws": ws}))
    ws.open = 1
    assert b'seatsync_connections{channel="ws"} 1.0' in generate_latest(registry)
    ws.open = 0
    assert b'seatsync_connections{channel="ws"} 0.0' in generate_latest(registry)
