"""The shapes, second by second, without Locust."""

from __future__ import annotations

import pytest

from loadtest.shapes import SHAPES, STEPS, STORMS, Plan, Stage

PLAN = Plan(users=300, seconds=60, spawn_rate=50.0, changes_per_s=2.0)


def stages(name: str) -> list[Stage]:
    found = [SHAPES[name].at(second / 10, PLAN) for second in range(PLAN.seconds * 10)]
    assert None not in found
    return [stage for stage in found if stage is not None]


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_keeps_its_users_to_the_last_moment_and_then_ends(name: str) -> None:
    assert {stage.users for stage in stages(name)} == {300}
    assert {stage.spawn_rate for stage in stages(name)} == {50.0}
    assert SHAPES[name].at(60, PLAN) is None
    assert SHAPES[name].at(61.5, PLAN) is None


@pytest.mark.parametrize("name", ["steady", "slow"])
def test_a_steady_evening_changes_at_one_rate_and_has_no_storm(name: str) -> None:
    assert set(stages(name)) == {Stage(300, 50.0, 2.0, 0)}


def test_the_hot_room_changes_faster_step_by_step() -> None:
    rates = list(dict.fromkeys(stage.changes_per_s for stage in stages("hot")))
    assert rates == [2.0 * step for step in STEPS]
    assert rates == sorted(rates)


def test_each_step_of_the_hot_room_lasts_as_long() -> None:
    rates = [stage.changes_per_s for stage in stages("hot")]
    assert {rates.count(rate) for rate in rates} == {len(rates) // len(STEPS)}


def test_storms_come_one_at_a_time_and_leave_time_after_the_last() -> None:
    storms = [stage.storms for stage in stages("storm")]
    assert storms == sorted(storms)
    assert set(storms) == set(range(STORMS + 1))
    assert storms.count(STORMS) >= len(storms) // (STORMS + 2)


def test_only_the_hot_room_draws_a_crowd_and_only_one_shape_has_slow_readers() -> None:
    assert [name for name, shape in SHAPES.items() if shape.hot_share > 0.5] == ["hot"]
    assert [name for name, shape in SHAPES.items() if shape.slow_readers] == ["slow"]
