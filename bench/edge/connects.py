"""Connections a second, each of them new, upgraded, and let in by a token of its own."""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from bench.edge.ours import SECRET, ours, token
from bench.edge.plan import Plan
from bench.edge.readers import readers_of
from bench.edge.rivals import checking_aiohttp
from bench.edge.side import Side
from bench.measure import Row, microseconds, per_second

AT_ONCE = 64
BESIDE = "aiohttp with PyJWT, three messages each"


def rows(plan: Plan) -> Iterable[Row]:
    """Measure both in turns, each time on a server that has seen no token."""
    raw: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn in range(plan.short_turns):
            with ours(folder / f"ours{turn}") as side:
                _note(raw, "ours", _open(side, folder, plan.connects))
            with checking_aiohttp(SECRET)(folder) as other:
                _note(raw, "theirs", _open(other, folder, plan.connects))
    yield from _compare(dict(raw))


def _open(side: Side, folder: Path, count: int) -> tuple[float, float]:
    """Give connections a second, and seconds of the server's CPU for each."""
    headers = [f"Authorization: Bearer {token(f'm{n}')}" for n in range(count)]
    with readers_of(side, folder, headers=headers) as readers:
        readers.open(AT_ONCE, 1, AT_ONCE)  # first calls of everything
        before_s, opened = side.server.cpu_s(), count - AT_ONCE
        took_s = readers.open(count, 1, AT_ONCE)
        return opened / took_s, (side.server.cpu_s() - before_s) / opened


def _note(raw: dict[str, list[float]], name: str, measured: tuple[float, float]) -> None:
    raw[name].append(measured[0])
    raw[f"{name}_cpu_s"].append(measured[1])


def _compare(raw: dict[str, list[float]]) -> Iterable[Row]:
    """Show the rate, and the CPU, which whatever else the machine does changes less."""
    median = {name: statistics.median(runs) for name, runs in raw.items()}
    what = f"WebSockets opened, {AT_ONCE} at once, a token each, until the first snapshot"
    for name, place, show in (
        ("one core", "", per_second),
        ("CPU of each", "_cpu_s", microseconds),
    ):
        mine, theirs = median[f"ours{place}"], median[f"theirs{place}"]
        yield Row(f"{what}: {name}", show(mine), BESIDE, show(theirs), mine / theirs, raw)
