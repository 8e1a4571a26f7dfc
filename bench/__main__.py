"""``make bench``: measure everything in one run, print it, and write it to ``docs/benchmarks``."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import date
from pathlib import Path

from bench import core, polls, redis_store, stores, video
from bench.measure import RUNS, Row
from seatsync.cli.serve import spare_collector

SECTIONS = {
    "core": core.rows,
    "stores": stores.rows,
    "redis": redis_store.rows,
    "polls": polls.rows,
    "video": video.rows,
}
FOLDER = Path("docs/benchmarks")


def main(names: list[str]) -> int:
    """Run the named sections, or all."""
    unknown = set(names) - set(SECTIONS)
    if unknown:
        print(f"bench: no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
        return 2
    spare_collector()  # as the server does
    rows: list[Row] = []
    for name in names or SECTIONS:
        for row in SECTIONS[name]():
            print(f"{row.what}: {row.ours}; {row.beside}: {row.theirs}; ratio {row.ratio:.2f}")
            rows.append(row)
    if not names:
        write(rows)
    return 0


def write(rows: list[Row]) -> None:
    """Keep the table and the raw runs."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {date.today():%Y-%m-%d}; {machine}, {platform.system()}.",
        f"Medians of {RUNS} runs taken in turns; the ratio is ours over theirs. Raw: `raw.json`.",
        "",
        "| what | ours | beside | theirs | ratio |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {r.what} | {r.ours} | {r.beside} | {r.theirs} | {r.ratio:.2f} |" for r in rows),
        "",
    ]
    (FOLDER / "README.md").write_text("\n".join(lines))
    raw = {row.what: row.raw for row in rows}
    (FOLDER / "raw.json").write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
