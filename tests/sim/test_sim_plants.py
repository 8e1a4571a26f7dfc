"""The simulator is worth its time: it finds planted bugs that the real parts do not have."""

from __future__ import annotations

import pytest
from sim_plants import PLANTS, Plant
from sim_referee import RuleBroken
from sim_world import run


@pytest.mark.parametrize("name", PLANTS)
def test_planted_bug_is_found(name: str) -> None:
    """The real parts pass the same seeds in ``test_every_rule_holds_in_every_schedule``."""
    found = first_broken(PLANTS[name])
    assert found is not None, f"{PLANTS[name].within} seeds did not show it"
    assert found.rule in PLANTS[name].rules


def first_broken(planted: Plant) -> RuleBroken | None:
    """Run seeds from 0 until one shows the bug."""
    for seed in range(planted.within):
        try:
            run(seed, parts=planted.parts)
        except RuleBroken as broken:
            return broken
    return None
