"""Which seeds are run, and how: one named by ``SIM_SEED``, a block, or blocks on every core."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

from sim_seats import run_seats
from sim_traffic import run_traffic
from sim_world import run

SEED_VARIABLE: Final = "SIM_SEED"
WORLDS: Final[dict[str, Callable[[int], int]]] = {
    "one": run,
    "traffic": run_traffic,
    "seats": run_seats,
}
"""One node; two nodes and many commands; two nodes and who is there."""


def blocks(count: int, size: int) -> list[range]:
    """Cut seeds 0 to ``count`` into blocks; ``SIM_SEED`` leaves one seed."""
    alone = os.environ.get(SEED_VARIABLE)
    if alone is not None:
        return [range(int(alone), int(alone) + 1)]
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


def run_block(world: str, seeds: Iterable[int]) -> int:
    """Run seeds one after the other.

    Returns:
        how many were run.

    Raises:
        RuleBroken: a rule did not hold; it names the seed.
    """
    logging.disable(logging.CRITICAL)
    return sum(1 for seed in seeds if WORLDS[world](seed))


def run_everywhere(world: str, seeds: Iterable[range]) -> int:
    """Run blocks of seeds on every core."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=fresh) as workers:
        return sum(workers.map(partial(run_block, world), seeds))
