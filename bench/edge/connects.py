"""Connections a second, each of them new, upgraded, and let in by a token of its own."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.edge.ours import SECRET, ours, token
from bench.edge.plan import Plan
from bench.edge.readers import readers_of
from bench.edge.rivals import checking_aiohttp
from bench.edge.side import Side, Start
from bench.measure import Row, in_turns, per_second, row

AT_ONCE = 64


def rows(plan: Plan) -> Iterable[Row]:
    """Measure both in turns, each time on a server that has seen no token."""
    numbers = itertools.count()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        @contextmanager
        def mine(_: Path) -> Iterator[Side]:
            with ours(folder / f"ours{next(numbers)}") as side:
                yield side

        raw = in_turns(
            lambda: _rate(mine, folder, plan.connects),
            lambda: _rate(checking_aiohttp(SECRET), folder, plan.connects),
            plan.short_turns,
        )
    what = f"WebSockets opened, {AT_ONCE} at once, a token each, until the first snapshot"
    yield row(what, "aiohttp with PyJWT, three messages each", raw, per_second)


def _rate(start: Start, folder: Path, count: int) -> float:
    """Give connections a second."""
    headers = [f"Authorization: Bearer {token(f'm{n}')}" for n in range(count)]
    with start(folder) as side, readers_of(side, folder, headers=headers) as readers:
        readers.open(AT_ONCE, 1, AT_ONCE)  # first calls of everything
        return (count - AT_ONCE) / readers.open(count, 1, AT_ONCE)
