"""CPU of the server for each delivered frame of about 1 KB."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.edge.drive import drive
from bench.edge.ours import Ours, ours
from bench.edge.plan import Plan
from bench.edge.readers import readers_of
from bench.edge.rivals import RIVALS, broadcasters
from bench.edge.side import Side
from bench.measure import Row, microseconds

COMMANDS = "commands alone"
UNSEEN = ", share of frames not delivered"


class _Cost(NamedTuple):
    """What one run says of one server."""

    cpu_s: float
    """Of a frame that a reader got."""
    unseen: float
    """Share of the frames that no reader got: a newer one came first."""
    idle_rate: float
    """Share of a core that the connections use at rest; it is not in ``cpu_s``."""


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
                _note(raw, side, _cost(side, folder, plan, count, per_s))
                raw[COMMANDS].append(alone_s / count)
            for start in broadcasters(body).values():
                with start(folder) as other:
                    _note(raw, other, _cost(other, folder, plan, count, per_s))
    return dict(raw)


def _note(raw: dict[str, list[float]], side: Side, cost: _Cost) -> None:
    raw[side.name].append(cost.cpu_s)
    raw[f"{side.name}{UNSEEN}"].append(cost.unseen)
    raw[f"{side.name}, share of a core at rest"].append(cost.idle_rate)


def _cpu_of_commands(side: Ours, plan: Plan, per_s: float) -> float:
    """Give seconds of CPU for one change that nobody follows."""
    drive(side, 50, 1)  # first calls of everything
    idle_rate = _idle_rate(side, plan.idle_s)
    began, before_s = time.monotonic(), side.server.cpu_s()
    made = drive(side, per_s, plan.fanout_s)
    used_s = side.server.cpu_s() - before_s - idle_rate * (time.monotonic() - began)
    return used_s / len(made)


def _cost(side: Side, folder: Path, plan: Plan, count: int, per_s: float) -> _Cost:
    with readers_of(side, folder) as readers:
        readers.open(count, side.greets)
        readers.wait_until_held(side.change(0).version)
        idle_rate = _idle_rate(side, plan.idle_s)
        readers.reset()
        began, before_s = time.monotonic(), side.server.cpu_s()
        made = drive(side, per_s, plan.fanout_s)
        readers.wait_until_held(made[-1].version)
        used_s = side.server.cpu_s() - before_s - idle_rate * (time.monotonic() - began)
        got, due = readers.report().snapshots, count * len(made)
        return _Cost(used_s / got, 1 - got / due, idle_rate)


def _idle_rate(side: Side, seconds: float) -> float:
    """Give the share of a core that connections use at rest."""
    time.sleep(1)  # what opening them left behind
    before_s = side.server.cpu_s()
    time.sleep(seconds)
    return (side.server.cpu_s() - before_s) / seconds


def _compare(count: int, raw: dict[str, list[float]]) -> Iterable[Row]:
    median = {name: statistics.median(runs) for name, runs in raw.items()}
    what = f"CPU of a frame delivered to one of {count:,} WebSockets"
    mine, command = median["seatsync"], median[COMMANDS]
    shown = f"{microseconds(mine)}, {microseconds(command)} of it its share of the command"
    if unseen := median[f"seatsync{UNSEEN}"]:
        shown += f"; {unseen:.1%} of the frames overtaken by newer ones"
    alone, floor = mine - command, RIVALS[0]
    without = f"{what}, without the commands"
    yield Row(
        without, microseconds(alone), floor, microseconds(median[floor]), alone / median[floor], raw
    )
    for rival in RIVALS:
        all_got = "" if not median[f"{rival}{UNSEEN}"] else " (not all delivered)"
        theirs = f"{microseconds(median[rival])}{all_got}"
        yield Row(what, shown, rival, theirs, mine / median[rival], raw)
