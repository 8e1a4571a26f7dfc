"""Worlds of their own: the store changes without the node, rooms come late, memory is too small."""

from __future__ import annotations

from sim_world import NORMAL, Scenario, run

BEHIND = NORMAL._replace(behind_its_back=True)
AHEAD = NORMAL._replace(ahead_of_creation=True)
FORGETFUL_AND_STRICT = Scenario(cached_rooms=1)


def run_all(scenario: Scenario, seeds: range) -> None:
    """Run seeds in one scenario; a failure names the seed and the test names the scenario."""
    for seed in seeds:
        run(seed, scenario)


def test_lost_replies_and_a_raised_epoch_are_caught_up_with() -> None:
    """A resent command, or a no-op, is acked at a position that polls on this node show."""
    run_all(BEHIND, range(150))


def test_poll_ahead_of_the_node_finds_a_room_that_was_just_created() -> None:
    """It may join a read that began before the room did."""
    run_all(AHEAD, range(150))


def test_connections_are_level_though_the_room_is_forgotten_all_the_time() -> None:
    """A room leaves the poller's memory while it is read, or while a connection is opened."""
    run_all(FORGETFUL_AND_STRICT, range(150))
