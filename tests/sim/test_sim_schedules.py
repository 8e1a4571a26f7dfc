"""Seeded schedules over the real hub, mailboxes, poller, rooms and reconciler.

A failure names its seed; ``SIM_SEED=<seed> pytest tests/sim`` runs that one alone.
"""

from __future__ import annotations

import pytest
from sim_run import blocks, run_block, run_everywhere

SEEDS = 2_000
SOAK_SEEDS = 50_000


@pytest.mark.parametrize("seeds", blocks(SEEDS, 100), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_every_rule_holds_in_every_schedule(seeds: range) -> None:
    assert run_block(seeds) == len(seeds)


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_every_rule_holds_in_many_schedules() -> None:
    seeds = blocks(SOAK_SEEDS, 500)
    assert run_everywhere(seeds) == sum(map(len, seeds))
