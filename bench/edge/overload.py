"""More is offered than can be delivered: what falls is the rate, not the freshness."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.edge.drive import drive
from bench.edge.ours import ours
from bench.edge.plan import Plan
from bench.edge.readers import Readers, Report, readers_of
from bench.edge.rivals import RIVALS, broadcasters
from bench.edge.side import Change, Side
from bench.measure import Row

QUEUES = RIVALS[1:3]
"""They send every message to everybody, in order: what can't be sent yet waits, and ages."""
SOON_S, LATER_S = 0.1, 1.0
READERS_LIMIT = 0.9


class Cell(NamedTuple):
    """One server, so many readers, so many changes a second."""

    readers: int
    asked_per_s: float
    changes_per_s: float
    """As many as were made."""
    deliveries_per_s: float
    deliveries_per_cpu_s: float
    age_p50_s: float
    age_p99_s: float
    soon: float
    """Share of readers, over all versions, that held one or a newer one 100 ms after its commit."""
    later: float
    """The same after 1 s."""
    generator: float
    """Share of the time that the readers had work: near 1, they and not the server set the pace."""

    def show(self) -> str:
        """Say it in a line."""
        return (
            f"{self.changes_per_s:.0f} changes/s made, {self.deliveries_per_s:,.0f} deliveries/s "
            f"({self.deliveries_per_cpu_s:,.0f} a CPU second), age P50/P99 "
            f"{self.age_p50_s * 1e3:.0f}/{self.age_p99_s * 1e3:.0f} ms, "
            f"held after 100 ms {self.soon:.1%}, after 1 s {self.later:.1%}"
            + (" (readers at their limit)" if self.generator > READERS_LIMIT else "")
        )

    def raw(self) -> dict[str, list[float]]:
        """Give it as raw figures."""
        return {name: [value] for name, value in self._asdict().items()}


def rows(plan: Plan) -> Iterable[Row]:
    """Measure ours with all numbers of readers, the rivals with the most."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ours(folder / "ours") as side:
            body = side.body()
            mine = list(_measure(side, folder, plan, plan.matrix_readers))
        for cell in mine:
            yield _beside_offered(cell)
        most = [cell for cell in mine if cell.readers == plan.matrix_readers[-1]]
        starts = broadcasters(body)
        for rival in QUEUES:
            for cell in most:  # each on a new server: one that queues would take the rest along
                alone = plan._replace(matrix_changes_per_s=(cell.asked_per_s,))
                with starts[rival](folder) as other:
                    (his,) = _measure(other, folder, alone, (cell.readers,))
                yield _beside_rival(cell, rival, his)


def _measure(side: Side, folder: Path, plan: Plan, counts: Sequence[int]) -> Iterator[Cell]:
    side.hurry()
    with readers_of(side, folder) as readers:
        for count in counts:
            readers.open(count, side.greets)
            readers.wait_until_held(side.change(0).version)
            for per_s in plan.matrix_changes_per_s:
                yield _cell(side, readers, per_s, plan.matrix_s)


def _cell(side: Side, readers: Readers, per_s: float, seconds: float) -> Cell:
    readers.reset()
    began, before_s = time.monotonic(), side.server.cpu_s()
    made = drive(side, per_s, seconds)
    drove_s = time.monotonic() - began
    readers.wait_for(made[-1].version, LATER_S)
    took_s, used_s = time.monotonic() - began, side.server.cpu_s() - before_s
    report = readers.report()
    return Cell(
        report.readers,
        per_s,
        len(made) / drove_s,
        report.snapshots / took_s,
        report.snapshots / used_s,
        report.age_ms["p50"] / 1e3,
        report.age_ms["p99"] / 1e3,
        _held(report, made, SOON_S),
        _held(report, made, LATER_S),
        report.busy_s / took_s,
    )


def _held(report: Report, made: Sequence[Change], after_s: float) -> float:
    """Give the share of readers, over all versions, that held one so long after its commit."""
    holders = 0
    for change in made:
        arrivals = report.versions.get(change.version)
        if arrivals is None:
            continue  # nobody holds it yet
        committed_ns = arrivals.ts_ms * 1_000_000 or change.sent_ns  # nobody got just this one
        holders += arrivals.held_by(committed_ns + round(after_s * 1e9))
    return holders / (report.readers * len(made))


def _beside_offered(cell: Cell) -> Row:
    what = f"{cell.readers:,} readers, {cell.asked_per_s:g} changes/s asked for"
    offered = cell.readers * cell.changes_per_s
    shown = f"{offered:,.0f} deliveries/s"
    ratio = cell.deliveries_per_s / offered
    return Row(what, cell.show(), "every version to everybody", shown, ratio, cell.raw())


def _beside_rival(cell: Cell, rival: str, his: Cell) -> Row:
    what = f"{cell.readers:,} readers, {cell.asked_per_s:g} changes/s asked for, beside {rival}"
    ratio = cell.age_p99_s / his.age_p99_s
    return Row(what, cell.show(), f"{rival} (ratio of P99 age)", his.show(), ratio, his.raw())
