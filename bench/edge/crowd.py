"""A crowd in a busy room: the loop's stalls, the last sweep, and readers that don't read."""

from __future__ import annotations

import math
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.edge.children import Child
from bench.edge.drive import drive
from bench.edge.ours import Ours, ours
from bench.edge.plan import Plan
from bench.edge.readers import Readers, readers_of
from bench.edge.stall import stall_p99_s
from bench.measure import Row

STUCK = 0.1
SINGLES = 5
CONNECTIONS = 'seatsync_connections{channel="ws"}'
Runs = dict[str, list[float]]


def rows(plan: Plan) -> Iterable[Row]:
    """Measure with readers that all read, and with some that don't, in turns."""
    reading: Runs = defaultdict(list)
    stuck: Runs = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        for turn in range(plan.turns):
            for share, runs in ((0.0, reading), (STUCK, stuck)):
                with ours(Path(name) / f"{turn}-{share}") as side:
                    for what, figure in _run(side, Path(name), plan, share).items():
                        runs[what].append(figure)
    yield from _compare(plan, dict(reading), dict(stuck))


def _run(side: Ours, folder: Path, plan: Plan, stuck: float) -> dict[str, float]:
    with readers_of(side, folder, stuck) as readers:
        readers.open(plan.crowd, side.greets)
        readers.wait_until_held(side.change(0).version)
        side.hurry()
        idle = side.metrics()
        time.sleep(plan.idle_s)
        rested = side.metrics()
        single_s, single_cpu_s = _single(side, readers)
        busy = side.metrics()
        readers.reset()
        with _sampled(side.server) as sizes:
            made = drive(side, plan.crowd_changes_per_s, plan.crowd_s)
            last_ns = readers.wait_until_held(made[-1].version)
        report = readers.report()
        return {
            "stall_idle_p99_s": stall_p99_s(idle, rested),
            "stall_p99_s": stall_p99_s(busy, side.metrics()),
            "single_s": single_s,
            "single_cpu_s": single_cpu_s,
            "last_s": last_ns / 1e9 - report.versions[made[-1].version].ts_ms / 1e3,
            "changes": len(made),
            "deliveries": report.snapshots,
            "age_p50_s": report.age_ms["p50"] / 1e3,
            "age_p99_s": report.age_ms["p99"] / 1e3,
            "rss_bytes": sizes[0],
            "rss_growth_bytes": max(sizes) - sizes[0],
            "connections_at_end": side.metrics()[CONNECTIONS],
        }


def _single(side: Ours, readers: Readers) -> tuple[float, float]:
    """Give the time and the CPU from one commit on an idle server until all hold it: medians."""
    took, used = [], []
    for _ in range(SINGLES):
        readers.reset()
        before_s = side.server.cpu_s()
        version = side.change(0).version
        last_ns = readers.wait_until_held(version)
        used.append(side.server.cpu_s() - before_s)
        took.append(last_ns / 1e9 - readers.report().versions[version].ts_ms / 1e3)
    return statistics.median(took), statistics.median(used)


@contextmanager
def _sampled(server: Child, every_s: float = 0.5) -> Iterator[list[int]]:
    """Note the server's resident memory while something runs."""
    sizes, over = [server.rss_bytes()], threading.Event()

    def sample() -> None:
        while not over.wait(every_s):
            sizes.append(server.rss_bytes())

    sampling = threading.Thread(target=sample)
    sampling.start()
    try:
        yield sizes
    finally:
        over.set()
        sampling.join()
    sizes.append(server.rss_bytes())


def _compare(plan: Plan, reading: Runs, stuck: Runs) -> Iterable[Row]:
    crowd = f"{plan.crowd:,} readers, {plan.crowd_changes_per_s:g} changes/s"
    all_read = {name: statistics.median(runs) for name, runs in reading.items()}
    some_stuck = {name: statistics.median(runs) for name, runs in stuck.items()}

    def against(what: str, name: str, beside: str, other: str) -> Row:
        mine, theirs = all_read[name], all_read[other]
        return Row(f"{crowd}: {what}", _ms(mine), beside, _ms(theirs), mine / theirs, reading)

    yield against("P99 stall of the loop", "stall_p99_s", "without changes", "stall_idle_p99_s")
    last = "from the last commit until all hold it"
    beside = f"one change on the idle server, {_ms(all_read['single_cpu_s'])} of CPU"
    yield against(last, "last_s", beside, "single_s")
    mine, theirs = some_stuck["age_p99_s"], all_read["age_p99_s"]
    what = f"{crowd}, {STUCK:.0%} of them don't read: P99 age of what the others get"
    both = {f"reading: {name}": runs for name, runs in reading.items()}
    both |= {f"stuck: {name}": runs for name, runs in stuck.items()}
    yield Row(what, _ms(mine), "when all read", _ms(theirs), mine / theirs, both)
    what = f"{crowd}, {STUCK:.0%} of them don't read: growth of resident memory"
    mine, theirs = some_stuck["rss_growth_bytes"], some_stuck["rss_bytes"]
    shown = f"{_mb(mine)}, {some_stuck['connections_at_end']:,.0f} connections are left"
    yield Row(what, shown, "before", _mb(theirs), mine / theirs, both)


def _ms(seconds: float) -> str:
    return "n/a" if math.isnan(seconds) else f"{seconds * 1e3:.1f} ms"


def _mb(size: float) -> str:
    return f"{size / 1e6:.1f} MB"
