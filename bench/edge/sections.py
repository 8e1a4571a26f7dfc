"""The sections of the edge, by name, and ``edge`` for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from bench.edge import cold, connects, crowd, fanout, hits, memory, overload
from bench.edge.children import on_load_core
from bench.edge.plan import FULL, QUICK, Plan
from bench.measure import Row

_PARTS: dict[str, Callable[[Plan], Iterable[Row]]] = {
    "fanout": fanout.rows,
    "memory": memory.rows,
    "hits": hits.rows,
    "connects": connects.rows,
    "cold": cold.rows,
    "crowd": crowd.rows,
    "overload": overload.rows,
}
PARTS = tuple(f"edge.{name}" for name in _PARTS)


def rows(name: str, quick: bool) -> Iterator[Row]:
    """Measure one part of the edge, ``edge.fanout`` for example, or all: ``edge``."""
    chosen = _PARTS.values() if name == "edge" else (_PARTS[name.removeprefix("edge.")],)
    with on_load_core():
        for part in chosen:
            yield from part(QUICK if quick else FULL)
