"""Seeded schedules over the real parts of one node, and of two on one store.

A failure names its seed; ``SIM_SEED=<seed> pytest tests/sim`` runs that one alone.
"""

from __future__ import annotations

import pytest
from sim_run import blocks, run_block, run_everywhere

SEEDS = {"one": 1_000, "traffic": 450, "seats": 100}
BLOCK = {"one": 100, "traffic": 50, "seats": 10}
SOAK_SEEDS = {"one": 50_000, "traffic": 30_000, "seats": 10_000}
PARTS = [
    pytest.param(world, seeds, id=f"{world}-{seeds[0]}-{seeds[-1]}")
    for world, count in SEEDS.items()
    for seeds in blocks(count, BLOCK[world])
]


@pytest.mark.parametrize(("world", "seeds"), PARTS)
def test_every_rule_holds_in_every_schedule(world: str, seeds: range) -> None:
    assert run_block(world, seeds) == len(seeds)


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
@pytest.mark.parametrize("world", SOAK_SEEDS)
def test_every_rule_holds_in_many_schedules(world: str) -> None:
    seeds = blocks(SOAK_SEEDS[world], BLOCK[world])
    assert run_everywhere(world, seeds) == sum(map(len, seeds))
