"""The load generator: ``bench/native/readers.c``, and what it reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.edge.children import LOAD_CORE, Child, child
from bench.edge.native import compiled
from bench.edge.side import Side

AT_ONCE = 128
BIN_MS = 2
"""Width of the bins of the generator's histograms of arrivals."""


class Arrivals(NamedTuple):
    """When the readers held one version or a newer one."""

    ts_ms: int
    """As the snapshot says; 0 if no reader was given this very version."""
    began_ns: int
    last_ns: int
    holders: list[tuple[int, int]]
    """(bin since ``began_ns``, readers)."""

    def held_by(self, at_ns: int) -> int:
        """Count who held it at a moment, or some that came within the bin of it fewer."""
        bins = (at_ns - self.began_ns) // (BIN_MS * 1_000_000)
        return sum(readers for place, readers in self.holders if place < bins)


class Report(NamedTuple):
    """What came since the last reset."""

    busy_s: float
    """How long the generator has worked; it waits awake."""
    readers: int
    stuck: int
    lost: int
    snapshots: int
    least: int
    """Snapshots that the reader with the fewest got."""
    most: int
    age_ms: dict[str, float]
    """p50, p99 and max of arrival less ``ts``."""
    versions: dict[int, Arrivals]


class Readers:
    """Many connections to one server."""

    def __init__(self, program: Child) -> None:
        self._program = program

    def _order(self, line: str) -> Any:
        return json.loads(self._program.order(line.encode()))

    def open(self, total: int, first: int = 1, at_once: int = AT_ONCE) -> float:
        """Open connections until there are so many, each with its first snapshots.

        Returns:
            seconds that it took.
        """
        answer = self._order(f"open {total} {at_once} {first}")
        if answer["failed"] or answer["opened"] != total:
            raise RuntimeError(f"not all connections could be opened: {answer}")
        return float(answer["took_ns"]) / 1e9

    def reset(self) -> None:
        """Forget counts and times."""
        self._order("reset")

    def wait_until_held(self, version: int, within_s: float = 30) -> int:
        """Wait until all hold a version or a newer one; gives when, in ns since 1970."""
        holders, of, last_ns = self.wait_for(version, within_s)
        if holders < of:
            raise RuntimeError(f"version {version} has come to {holders} of {of} readers")
        return last_ns

    def wait_for(self, version: int, within_s: float) -> tuple[int, int, int]:
        """Wait no longer than that; gives who holds it, of how many, and when the last got it."""
        answer = self._order(f"await {version} {round(within_s * 1000)}")
        return answer["holders"], answer["of"], answer["last_ns"]

    def report(self) -> Report:
        """Say what came."""
        answer = self._order("report")
        versions = {
            version: Arrivals(ts_ms, began_ns, last_ns, holders)
            for version, ts_ms, began_ns, last_ns, holders in answer.pop("versions")
        }
        fields = {name: answer[name] for name in Report._fields if name in answer}
        return Report(**fields, versions=versions)


@contextmanager
def readers_of(
    side: Side, folder: Path, stuck: float = 0, headers: Sequence[str] = ()
) -> Iterator[Readers]:
    """Start the generator beside a server.

    Args:
        side: the server.
        folder: for the compiled program and the headers.
        stuck: share of the connections that read nothing once they are open.
        headers: a header line for each connection, if any.
    """
    file = folder / "headers"
    file.write_text("".join(f"{line}\n" for line in headers))
    given = ("127.0.0.1", str(side.port), side.path, str(stuck), file if headers else "-")
    with child([compiled("readers", folder), *given], LOAD_CORE) as program:
        yield Readers(program)
