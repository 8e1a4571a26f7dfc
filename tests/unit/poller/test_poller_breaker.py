from __future__ import annotations

import random

import pytest
from poller_samples import Clock

from poller.breaker import FAILURES, LONGEST_OPEN_S, OPEN_S, SPREAD, Breaker, Circuit, Ticket


class Fuse:
    """A breaker, its clock, and what it told."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = Clock()
        self.told: list[Circuit] = []
        self.breaker = Breaker(self.clock, random.Random(seed), changed=self.told.append)

    def attempt(self, *, ok: bool) -> bool:
        """Make one attempt; tell whether it was let through."""
        ticket = self.breaker.admit()
        if ticket is not None:
            self.breaker.report(ticket, ok=ok)
        return ticket is not None

    def blow(self) -> None:
        """Fail until it opens."""
        while self.breaker.state is Circuit.CLOSED:
            assert self.attempt(ok=False)

    def open_s(self, step_s: float = 0.01) -> float:
        """Measure how long it stays open; a probe is under way then."""
        began_s = self.clock.now_s
        while self.breaker.admit() is None:
            self.clock.now_s += step_s
        return self.clock.now_s - began_s


@pytest.fixture
def fuse() -> Fuse:
    return Fuse()


def test_it_opens_at_the_last_of_several_failures_in_a_row(fuse: Fuse) -> None:
    for _ in range(FAILURES - 1):
        assert fuse.attempt(ok=False)
    assert fuse.breaker.state is Circuit.CLOSED
    assert fuse.attempt(ok=False)
    assert fuse.told == [Circuit.OPEN]
    assert not fuse.attempt(ok=True)


def test_a_success_in_between_begins_the_count_anew(fuse: Fuse) -> None:
    for _ in range(3):
        for _ in range(FAILURES - 1):
            fuse.attempt(ok=False)
        fuse.attempt(ok=True)
    assert fuse.told == []


def test_one_probe_is_let_through_when_its_time_is_over(fuse: Fuse) -> None:
    fuse.blow()
    assert OPEN_S * (1 - SPREAD) - 0.02 <= fuse.open_s() <= OPEN_S * (1 + SPREAD) + 0.02
    assert fuse.breaker.state is Circuit.HALF_OPEN
    assert [fuse.breaker.admit() for _ in range(10)] == [None] * 10


def test_a_probe_that_succeeds_closes_it(fuse: Fuse) -> None:
    fuse.blow()
    fuse.clock.now_s += 2 * OPEN_S
    assert fuse.attempt(ok=True)
    assert fuse.told == [Circuit.OPEN, Circuit.HALF_OPEN, Circuit.CLOSED]
    for _ in range(FAILURES - 1):
        fuse.attempt(ok=False)
    assert fuse.breaker.state is Circuit.CLOSED


def test_each_probe_that_fails_doubles_the_time_up_to_a_bound(fuse: Fuse) -> None:
    fuse.blow()
    for wanted_s in (1, 2, 4, 8, 16, 30, 30):
        spread_s = wanted_s * SPREAD + 0.02
        ticket_s = fuse.open_s()
        assert wanted_s - spread_s <= ticket_s <= wanted_s + spread_s
        fuse.breaker.report(Ticket(fuse.breaker._period), ok=False)
    assert fuse.clock.now_s - 1000 < 91 * (1 + SPREAD)


def test_after_a_recovery_it_opens_for_the_short_time_again(fuse: Fuse) -> None:
    fuse.blow()
    fuse.clock.now_s += 2 * OPEN_S
    fuse.attempt(ok=False)
    fuse.clock.now_s += LONGEST_OPEN_S
    fuse.attempt(ok=True)
    fuse.blow()
    assert fuse.open_s() <= OPEN_S * (1 + SPREAD) + 0.02


def test_outcomes_of_attempts_from_before_it_opened_say_nothing(fuse: Fuse) -> None:
    late = [fuse.breaker.admit() for _ in range(2)]
    fuse.blow()
    for ticket, ok in zip(late, (True, False), strict=True):
        assert ticket is not None
        fuse.breaker.report(ticket, ok=ok)
    assert fuse.told == [Circuit.OPEN]
    fuse.clock.now_s += 2 * OPEN_S
    assert fuse.breaker.admit() is not None
    assert late[0] is not None
    fuse.breaker.report(late[0], ok=True)
    assert fuse.breaker.state is Circuit.HALF_OPEN


def test_nodes_that_lost_a_service_together_come_back_apart() -> None:
    spans = set()
    for seed in range(8):
        fuse = Fuse(seed)
        fuse.blow()
        spans.add(round(fuse.open_s(), 2))
    assert len(spans) > 4
