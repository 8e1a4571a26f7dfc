"""The picture of overload: what readers get, and how old it is, over what is offered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.ticker import NullFormatter, ScalarFormatter

from bench.measure import Row

Curve = list[dict[str, float]]
COLUMNS = {"deliveries_per_s", "age_p99_s", "asked_per_s", "readers"}


def draw(rows: Iterable[Row], target: Path) -> bool:
    """Draw the rows of overload, if they are among these; tells whether they are."""
    curves: dict[str, Curve] = defaultdict(list)
    for row in rows:
        if row.raw.keys() >= COLUMNS:
            cell = {name: values[0] for name, values in row.raw.items()}
            rival = row.beside.partition(" (")[0] if " (" in row.beside else "seatsync"
            curves[f"{rival}, {cell['readers']:,.0f} readers"].append(cell)
    if curves:
        _draw(curves, target)
    return bool(curves)


def _draw(curves: dict[str, Curve], target: Path) -> None:
    mpl.use("Agg")
    figure, (rate, age) = pyplot.subplots(1, 2, figsize=(12, 5))
    for name, cells in curves.items():
        style = {"marker": "o", "linestyle": "-" if name.startswith("seatsync") else "--"}
        offered = [cell["readers"] * cell["asked_per_s"] for cell in cells]
        delivered = [cell["deliveries_per_s"] / cell["readers"] for cell in cells]
        rate.plot(offered, delivered, label=name, **style)
        (line,) = age.plot(offered, [c["age_p99_s"] * 1e3 for c in cells], label=name, **style)
        median = [cell["age_p50_s"] * 1e3 for cell in cells]
        age.plot(offered, median, color=line.get_color(), alpha=0.4, **style)
    for axes, title in (
        (rate, "snapshots a second that each reader gets"),
        (age, "age on arrival, ms: P99, and P50 paler"),
    ):
        axes.set(xscale="log", yscale="log", title=title)
        axes.set_xlabel("offered: readers x changes a second")
        axes.yaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(True, which="both", alpha=0.2)
    rate.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
