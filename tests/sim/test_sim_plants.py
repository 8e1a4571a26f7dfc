"""The simulator is worth its time: it finds planted bugs that the real parts do not have."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sim_node import Parts
from sim_plants import PLANTS, Plant
from sim_plants_pair import SEATS_PLANTS, TRAFFIC_PLANTS
from sim_plants_push import PUSH_PLANTS, PUSH_TRAFFIC_PLANTS
from sim_referee import RuleBroken
from sim_seats import run_seats
from sim_traffic import run_traffic
from sim_world import World, scenario_of
from test_sim_schedules import SEEDS

Run = Callable[[int, Parts], int]


def run_one(seed: int, parts: Parts) -> int:
    """Run the world of one node."""
    return World(seed, scenario_of(seed), parts).run()


WORLDS: dict[str, tuple[Run, dict[str, Plant]]] = {
    "one": (run_one, PLANTS | PUSH_PLANTS),
    "traffic": (run_traffic, TRAFFIC_PLANTS | PUSH_TRAFFIC_PLANTS),
    "seats": (run_seats, SEATS_PLANTS),
}
PLANTED = [(world, name) for world, (_, plants) in WORLDS.items() for name in plants]


@pytest.mark.parametrize(("world", "name"), PLANTED)
def test_planted_bug_is_found(world: str, name: str) -> None:
    """The real parts pass the same seeds in ``test_every_rule_holds_in_every_schedule``."""
    run, plants = WORLDS[world]
    assert plants[name].within <= SEEDS[world]
    found = first_broken(run, plants[name])
    assert found is not None, f"{plants[name].within} seeds did not show it"
    assert found.rule in plants[name].rules


def first_broken(run: Run, planted: Plant) -> RuleBroken | None:
    """Run seeds from 0 until one shows the bug."""
    for seed in range(planted.within):
        try:
            run(seed, planted.parts)
        except RuleBroken as broken:
            return broken
    return None
