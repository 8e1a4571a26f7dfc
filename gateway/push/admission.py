"""How fast push connections are let in: after a restart everybody comes back at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from room.errors import SeatsyncError

MIN_RETRY_MS: Final = 500
SPREAD: Final = 0.25
MAX_AHEAD_S: Final = 60.0
"""Turns are given out this far ahead; who comes when all are given out gets the last of them."""


class Flooded(SeatsyncError):
    """Too many come at once; told by HTTP, since an upgrade costs what is short (PROTOCOL.md 6)."""

    code = "OVERLOADED"


class Admission:
    """A token bucket, and a turn for each who finds it empty (GCRA).

    Whoever is refused is told to poll until their turn: turns follow each other at the pace at
    which connections are let in, so those who come back find a token, and nobody is left behind.

    Args:
        per_s: connections let in a second.
        burst: how many at once after a quiet time.
        clock_s: monotonic.
        rng: spreads the turns.
    """

    def __init__(
        self, per_s: float, burst: int, clock_s: Callable[[], float], rng: random.Random
    ) -> None:
        self._step_s = 1.0 / per_s
        self._slack_s = burst / per_s
        self._clock_s = clock_s
        self._rng = rng
        self._spent_until_s = float("-inf")
        self._turn_s = float("-inf")
        self.admitted = 0
        self.refused = 0

    def admit(self) -> None:
        """Let one connection in.

        Raises:
            Flooded: not yet; it says when.
        """
        now_s = self._clock_s()
        spent_until_s = max(self._spent_until_s, now_s - self._slack_s) + self._step_s
        if spent_until_s <= now_s:
            self._spent_until_s = spent_until_s
            self.admitted += 1
            return
        self.refused += 1
        self._turn_s = min(max(self._turn_s, now_s) + self._step_s, now_s + MAX_AHEAD_S)
        wait_ms = (self._turn_s - now_s) * 1000 * self._rng.uniform(1, 1 + SPREAD)
        raise Flooded(
            "too many connect at once: poll for a while",
            retry_after_ms=int(max(wait_ms, MIN_RETRY_MS * self._rng.uniform(1, 2))),
        )
