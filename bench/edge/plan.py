"""How long and how large the runs are: the published ones, or quick ones for development."""

from __future__ import annotations

from typing import NamedTuple


class Plan(NamedTuple):
    """Sizes and lengths of the runs of the edge."""

    turns: int = 3
    short_turns: int = 5
    """Of runs that take seconds."""
    counts: tuple[int, int] = (2_000, 15_000)
    """Connections of the fan-out and of the slope of memory."""
    changes_per_s: tuple[float, float] = (10, 3)
    """Of the fan-out with either count: slow enough that nobody misses one."""
    fanout_s: float = 8
    idle_s: float = 3
    hits_s: int = 6
    connects: int = 5_000
    cold_polls: int = 10_000
    crowd: int = 15_000
    crowd_changes_per_s: float = 20
    crowd_s: float = 30
    matrix_readers: tuple[int, ...] = (2_000, 8_000, 15_000)
    matrix_changes_per_s: tuple[float, ...] = (5, 20, 80)
    matrix_s: float = 10


FULL = Plan()
QUICK = Plan(
    turns=1,
    short_turns=2,
    counts=(500, 3_000),
    fanout_s=3,
    idle_s=1,
    hits_s=2,
    connects=1_500,
    cold_polls=2_000,
    crowd=4_000,
    crowd_s=5,
    matrix_readers=(500, 2_000, 4_000),
    matrix_s=2.5,
)
