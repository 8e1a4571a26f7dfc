"""CPU of the server for each delivered frame of about 1 KB."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from bench.edge.drive import drive
from bench.edge.ours import Ours, ours
from bench.edge.plan import Plan
from bench.edge.readers import Readers, readers_of
from bench.edge.rivals import broadcasters
from bench.edge.side import Side
from bench.measure import Row, microseconds

COMMANDS = "commands alone"


def rows(plan: Plan) -> Iterable[Row]:
    """Measure, all servers in turns."""
    for count, per_s in zip(plan.counts, plan.changes_per_s, strict=True):
        raw = _measure(plan, count, per_s)
        yield from _compare(count, raw)


def _measure(plan: Plan, count: int, per_s: float) -> dict[str, list[float]]:
    """Give seconds of CPU a frame, by server."""
    raw: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn in range(plan.turns):
            with ours(folder / f"ours{turn}") as side:
                body = side.body()
                alone_s = _cpu_of_commands(side, plan, per_s)
                raw["seatsync"].append(_cost(side, folder, plan, count, per_s))
                raw[COMMANDS].append(alone_s / count)
            for rival, start in broadcasters(body).items():
                with start(folder) as other:
                    raw[rival].append(_cost(other, folder, plan, count, per_s))
    return dict(raw)


def _cpu_of_commands(side: Ours, plan: Plan, per_s: float) -> float:
    """Give seconds of CPU for one change that nobody follows."""
    before = side.server.cpu_s()
    made = drive(side, per_s, plan.fanout_s)
    return (side.server.cpu_s() - before) / len(made)


def _cost(side: Side, folder: Path, plan: Plan, count: int, per_s: float) -> float:
    """Give seconds of CPU for each frame that a reader got."""
    with readers_of(side, folder) as readers:
        readers.open(count, side.greets)
        readers.wait_until_held(side.change(0).version)
        idle_rate = _idle_rate(side, plan.idle_s)
        readers.reset()
        began, before_s = time.monotonic(), side.server.cpu_s()
        last = drive(side, per_s, plan.fanout_s)[-1]
        readers.wait_until_held(last.version)
        used_s = side.server.cpu_s() - before_s - idle_rate * (time.monotonic() - began)
        return used_s / _delivered(side, readers, round(per_s * plan.fanout_s))


def _idle_rate(side: Side, seconds: float) -> float:
    """Give the share of a core that connections use at rest."""
    time.sleep(1)  # what opening them left behind
    before_s = side.server.cpu_s()
    time.sleep(seconds)
    return (side.server.cpu_s() - before_s) / seconds


def _delivered(side: Side, readers: Readers, changes: int) -> int:
    report = readers.report()
    if not changes == report.least == report.most:
        print(f"{side.name}: of {changes} changes readers got {report.least} to {report.most}")
    return report.snapshots


def _compare(count: int, raw: dict[str, list[float]]) -> Iterable[Row]:
    median = {name: statistics.median(runs) for name, runs in raw.items()}
    what = f"CPU of a frame delivered to one of {count:,} WebSockets"
    mine, command = median["seatsync"], median[COMMANDS]
    shown = f"{microseconds(mine)}, {microseconds(command)} of it its share of the command"
    for rival in [name for name in raw if name not in ("seatsync", COMMANDS)]:
        yield Row(what, shown, rival, microseconds(median[rival]), mine / median[rival], raw)
