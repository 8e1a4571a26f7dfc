"""Resident memory of a server for each idle WebSocket, as a slope between two counts."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.edge.ours import ours, token
from bench.edge.plan import Plan
from bench.edge.readers import readers_of
from bench.edge.rivals import RIVALS, broadcasters
from bench.edge.side import Side
from bench.measure import Row

ANONYMOUS, MEMBERS = "seatsync", "seatsync, a token each"


def rows(plan: Plan) -> Iterable[Row]:
    """Measure, all servers in turns."""
    raw: dict[str, list[float]] = defaultdict(list)
    headers = [f"Authorization: Bearer {token(f'm{n}')}" for n in range(plan.counts[1])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn in range(plan.turns):
            for kind, tokens in ((ANONYMOUS, ()), (MEMBERS, headers)):
                with ours(folder / f"{kind}{turn}") as side:
                    body = side.body()
                    raw[kind].append(_slope(side, folder, plan, tokens))
            starts = broadcasters(body)
            for rival in RIVALS[1:]:  # the C loop keeps next to nothing
                with starts[rival](folder) as other:
                    raw[rival].append(_slope(other, folder, plan, ()))
    yield from _compare(plan, dict(raw))


def _slope(side: Side, folder: Path, plan: Plan, headers: Sequence[str]) -> float:
    """Give bytes a connection."""
    sizes = []
    with readers_of(side, folder, headers=headers) as readers:
        for count in plan.counts:
            readers.open(count, side.greets)
            time.sleep(plan.idle_s)
            sizes.append(side.server.rss_bytes())
    return (sizes[1] - sizes[0]) / (plan.counts[1] - plan.counts[0])


def _compare(plan: Plan, raw: dict[str, list[float]]) -> Iterable[Row]:
    median = {name: statistics.median(runs) for name, runs in raw.items()}
    fewer, more = plan.counts
    what = f"resident memory of an idle WebSocket, {fewer:,} to {more:,}"
    for rival in RIVALS[1:]:
        ours_shown = f"{_kb(median[ANONYMOUS])} ({_kb(median[MEMBERS])} with a token each)"
        ratio = median[ANONYMOUS] / median[rival]
        yield Row(what, ours_shown, rival, _kb(median[rival]), ratio, raw)


def _kb(size: float) -> str:
    return f"{size / 1024:.1f} KB"
