"""Two hundred live streams of 3 Mbps through a relay on one core."""

from __future__ import annotations

from collections.abc import Iterable

from bench.measure import Row
from bench.relay.parts import origin, p99, relay, scene, view

STREAMS = 200
VIEWED = 40
SECONDS = 20.0
RATE_MBPS = 3


def rows() -> Iterable[Row]:
    """Measure how late pictures are against the time at which they were due."""
    with scene() as (folder, gateway), origin(folder, "due") as start:
        streams = [f'name = "s{n}"\ninput = "{start}/s{n}.flv"' for n in range(STREAMS)]
        with relay(folder, gateway, streams[:1]) as alone:
            base = sum(alone.worker_bytes())
        with relay(folder, gateway, streams) as running:
            viewed = [running.url(f"s{n}") for n in range(0, STREAMS, STREAMS // VIEWED)]
            before = running.process.cpu_s()
            late_ms = view(viewed, SECONDS).late_ms
            cpu = (running.process.cpu_s() - before) / (SECONDS + 2)
            workers = running.worker_bytes()
            memory = (sum(workers) - base * len(workers)) / (STREAMS - len(workers))
        direct_ms = view([f"{start}/d{n}.flv" for n in range(VIEWED)], SECONDS / 2).late_ms
    in_time = sum(late <= 20 for late in late_ms) / len(late_ms)
    yield Row(
        f"{STREAMS} streams of {RATE_MBPS} Mbps on one core, {VIEWED} viewed: P99 lateness",
        f"{p99(late_ms):.1f} ms, {in_time:.2%} within 20 ms, {cpu:.0%} of the core",
        f"{VIEWED} streams from the origin itself",
        f"{p99(direct_ms):.1f} ms",
        p99(late_ms) / p99(direct_ms),
        {"ours": [p99(late_ms), in_time, cpu], "theirs": [p99(direct_ms)]},
    )
    yield Row(
        f"memory of one of {STREAMS} streams beside its worker's",
        f"{memory / 1e6:.2f} MB",
        "two seconds of it",
        f"{RATE_MBPS * 2 / 8:.2f} MB",
        memory / (RATE_MBPS * 2e6 / 8),
        {"ours": [memory], "theirs": [RATE_MBPS * 2e6 / 8]},
    )
