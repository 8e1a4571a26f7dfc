"""``make bench``: measure everything in one run, print it, and write it to ``docs/benchmarks``.

make bench                                  everything
make bench ARGS="edge"                      one section, printed only
make bench ARGS="edge.fanout --quick"       a part of it, small and short: for development
make bench ARGS="edge --out out/bench"      written elsewhere
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from bench import core, polls, publish, redis_store, relay, stores, video
from bench.edge import sections as edge
from bench.measure import Row
from seatsync.cli.serve import spare_collector

Section = Callable[[], Iterable[Row]]
FOLDER = Path("docs/benchmarks")
VIDEO_FOLDER = FOLDER / "video"
VIDEO = ("video", "relay")
"""What has a folder of its own."""


def sections(quick: bool) -> dict[str, Section]:
    """Name all sections."""
    return {
        "core": core.rows,
        "stores": stores.rows,
        "redis": redis_store.rows,
        "polls": polls.rows,
        "video": video.rows,
        "relay": relay.rows,
        "edge": partial(edge.rows, "edge", quick),
    }


def main() -> int:
    """Run the named sections, or all."""
    wanted = _arguments()
    known = sections(wanted.quick)
    parts = {name: partial(edge.rows, name, wanted.quick) for name in edge.PARTS}
    chosen = {name: (known | parts)[name] for name in wanted.sections} or known
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are ended on the way
    spare_collector()  # as the server does
    rows: dict[str, list[Row]] = {}
    for name, section in chosen.items():
        for row in section():
            print(publish.line(row), flush=True)
            rows.setdefault(name, []).append(row)
    of_video = [row for name in VIDEO for row in rows.pop(name, [])]
    others = [row for some in rows.values() for row in some]
    if wanted.out is None and (wanted.sections or wanted.quick):
        return 0
    folders = (FOLDER, VIDEO_FOLDER) if wanted.out is None else (wanted.out, wanted.out / "video")
    if others:
        publish.write(others, folders[0], publish.EDGE)
    if of_video:
        publish.write(of_video, folders[1], publish.VIDEO)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description="Measure, each beside something known.")
    names = (*sections(quick=False), *edge.PARTS)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="the edge small and short")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write")
    wanted = parser.parse_args()
    unknown = set(wanted.sections) - set(names)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
