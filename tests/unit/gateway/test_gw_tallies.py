from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from gateway.metrics.polls import PollTally


def test_counts_are_given_as_they_are_when_they_are_asked_for() -> None:
    registry, tally = CollectorRegistry(), PollTally()
    registry.register(tally)
    assert "seatsync_polls_total{" not in generate_latest(registry).decode()
    for times in (1, 2):
        tally.counts[200, "hit"] += 1
        tally.counts[404, "none"] = 7
        lines = generate_latest(registry).decode().splitlines()
        assert f'seatsync_polls_total{{cache="hit",status="200"}} {times}.0' in lines
        assert 'seatsync_polls_total{cache="none",status="404"} 7.0' in lines
        assert "# TYPE seatsync_polls_total counter" in lines
