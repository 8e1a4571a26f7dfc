from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from gateway.metrics.spread import FINE_S, Spread


def render(spread: Spread) -> str:
    registry = CollectorRegistry()
    registry.register(spread)
    return generate_latest(registry).decode()


def value(spread: Spread, sample: str) -> float:
    [line] = [line for line in render(spread).splitlines() if line.startswith(sample + " ")]
    return float(line.rpartition(" ")[2])


def test_observations_are_counted_in_every_bucket_from_theirs_on() -> None:
    spread = Spread("x_seconds", "help", (0.1, 1.0))
    for seconds in (0.05, 0.5, 5.0):
        spread.observe(seconds)
    counts = [value(spread, f'x_seconds_bucket{{le="{le}"}}') for le in ("0.1", "1.0", "+Inf")]
    assert counts == [1, 2, 3]


def test_many_equal_observations_count_as_many() -> None:
    spread = Spread("x_seconds", "help")
    spread.observe(0.25, 1000)
    assert value(spread, "x_seconds_count") == 1000
    assert value(spread, "x_seconds_sum") == pytest.approx(250.0)


def test_nothing_observed_is_shown_as_none() -> None:
    spread = Spread("x_seconds", "help")
    assert value(spread, "x_seconds_count") == 0
    assert value(spread, "x_seconds_sum") == 0


def test_it_reads_as_the_histogram_of_the_library_does() -> None:
    """Bounds included: what is as long as a bound lies in its bucket."""
    observed = [*FINE_S, 0.0, 0.0003, 0.7, 100.0]
    registry = CollectorRegistry()
    theirs = Histogram("x_seconds", "help", buckets=FINE_S, registry=registry)
    ours = Spread("x_seconds", "help")
    for seconds in observed:
        theirs.observe(seconds)
        ours.observe(seconds)
    expected = [
        line for line in generate_latest(registry).decode().splitlines() if "_created" not in line
    ]
    assert render(ours).splitlines() == expected
