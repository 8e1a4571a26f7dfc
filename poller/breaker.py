"""A circuit breaker: what fails again and again is left alone, and then tried once at a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum
from typing import Final, NewType

FAILURES: Final = 5
"""So many in a row open it."""
OPEN_S: Final = 1.0
"""How long it stays open at first; twice as long after each probe that fails."""
LONGEST_OPEN_S: Final = 30.0
SPREAD: Final = 0.2
"""Nodes that lost the same service together do not come back to it together."""

Ticket = NewType("Ticket", int)
"""Leave to make one attempt; its outcome counts only while the state is the one that gave it."""


class Circuit(Enum):
    """Whether attempts are let through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Lets attempts through until several in a row have failed.

    =========  ==============================  =============================================
    state      an attempt                      leaves it when
    =========  ==============================  =============================================
    closed     is let through                  ``failures`` in a row have failed: open
    open       is refused                      its time is over: the next attempt is a probe
    half-open  is refused while the probe is   the probe succeeds: closed; it fails: open,
               under way                       for twice as long
    =========  ==============================  =============================================

    Args:
        clock_s: monotonic.
        rng: spreads the time that it is open.
        changed: told of each new state.
        failures: how many in a row open it.
    """

    def __init__(
        self,
        clock_s: Callable[[], float],
        rng: random.Random,
        *,
        changed: Callable[[Circuit], None] = lambda state: None,
        failures: int = FAILURES,
    ) -> None:
        self._clock_s = clock_s
        self._rng = rng
        self._changed = changed
        self._failures = failures
        self._failed = 0
        self._open_s = OPEN_S
        self._probe_at_s = float("-inf")
        self._period = 0
        self.state = Circuit.CLOSED

    def admit(self) -> Ticket | None:
        """Ask for leave to make an attempt; whoever gets it reports how it ended, always."""
        if self.state is Circuit.CLOSED:
            return Ticket(self._period)
        if self.state is Circuit.HALF_OPEN or self._clock_s() < self._probe_at_s:
            return None
        self._enter(Circuit.HALF_OPEN)
        return Ticket(self._period)

    def report(self, ticket: Ticket, *, ok: bool) -> None:
        """Take the outcome of an attempt; one from before the last change of state says nothing."""
        if ticket != self._period:
            return
        if ok:
            self._succeed()
        else:
            self._fail()

    def _succeed(self) -> None:
        self._failed = 0
        if self.state is Circuit.HALF_OPEN:
            self._open_s = OPEN_S
            self._enter(Circuit.CLOSED)

    def _fail(self) -> None:
        if self.state is Circuit.HALF_OPEN:
            self._open_s = min(2 * self._open_s, LONGEST_OPEN_S)
        else:
            self._failed += 1
            if self._failed < self._failures:
                return
        self._failed = 0
        spread = self._rng.uniform(1 - SPREAD, 1 + SPREAD)
        self._probe_at_s = self._clock_s() + self._open_s * spread
        self._enter(Circuit.OPEN)

    def _enter(self, state: Circuit) -> None:
        self.state = state
        self._period += 1
        self._changed(state)
