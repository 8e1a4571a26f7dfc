"""The table of results, the raw runs and the picture, as they are kept."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from bench.edge import plot
from bench.edge.plan import FULL
from bench.measure import RUNS, Row

EDGE = (
    f"Medians of {RUNS} runs taken in turns; of {FULL.turns} for fan-out, memory and the crowd,",
    "and one for each row of overload. The video and the relay: [video](video/README.md).",
    "",
    "Of the edge: real processes, the server on one core, the load on the other. CPU is user and",
    "system time of all processes of the server, less what the same connections use at rest. The",
    "readers wait awake, since to wake them is charged to whoever sends, and on one machine only.",
    "A frame is the anonymous view of a room with six people on seats, about 1 KB; rivals get the",
    "same bytes. Age is arrival less `ts`. `held after 100 ms` is the share of readers that held a",
    "version, or a newer one, 100 ms after its commit.",
)
VIDEO = (
    f"Medians of {RUNS} runs taken in turns, for the files; one run for each row of the relay.",
    "",
    "Of the video: files of 600 s of 3 Mbps with AAC; CPU is user and system time, ours in this",
    "process and as a program with its start, ffmpeg's as a program. Of the relay: real processes,",
    "the relay on one core, origin, gateway and viewers on the other. Each picture carries when it",
    "left the origin, or when it was due there.",
)
LIBRARIES = ("av", "uvloop", "aiohttp", "websockets", "httptools", "redis")


def line(row: Row) -> str:
    """Say a row in one line."""
    return f"{row.what}: {row.ours}; {row.beside}: {row.theirs}; ratio {_ratio(row)}"


def write(rows: Sequence[Row], folder: Path, notes: Sequence[str]) -> None:
    """Keep the table, the raw runs and the picture.

    Args:
        rows: of the table.
        folder: where to.
        notes: lines that say how it was measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {date.today():%Y-%m-%d}; {_machine()}; {_versions()}.",
        "The ratio is ours over theirs. Raw: `raw.json`.",
        "",
        *notes,
        "",
        *_table(rows),
        "",
    ]
    if plot.draw(rows, folder / "edge.png"):
        lines += ["![What readers get under overload, and how old it is](edge.png)", ""]
    (folder / "README.md").write_text("\n".join(lines))
    raw = {row.what: row.raw for row in rows}
    (folder / "raw.json").write_text(json.dumps(raw, indent=1) + "\n")


def _table(rows: Sequence[Row]) -> list[str]:
    head = ["| what | ours | beside | theirs | ratio |", "| --- | --- | --- | --- | --- |"]
    return head + [f"| {r.what} | {r.ours} | {r.beside} | {r.theirs} | {_ratio(r)} |" for r in rows]


def _ratio(row: Row) -> str:
    return "n/a" if math.isnan(row.ratio) else f"{row.ratio:.2f}"


def _machine() -> str:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    named = model[1] if model else platform.machine()
    return f"{os.cpu_count()} cores of {named}, {platform.system()} {platform.release()}"


def _versions() -> str:
    nginx = subprocess.run(["nginx", "-v"], check=True, capture_output=True, text=True).stderr
    named = [f"{name} {version(name)}" for name in LIBRARIES]
    return ", ".join(
        [
            f"Python {platform.python_version()}",
            *named,
            nginx.split(": ")[-1].strip().replace("/", " "),
            f"ffmpeg {_ffmpeg()}",
        ]
    )


def _ffmpeg() -> str:
    said = subprocess.run(["ffmpeg", "-version"], check=True, capture_output=True, text=True).stdout
    return said.split()[2]
