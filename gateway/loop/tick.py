"""The time as the hot path needs it: looked up, never asked for."""

from __future__ import annotations

from collections.abc import Callable

from store.port import Clock


class Tick:
    """Read by whoever answers very often, and moved on by the loop's probe.

    Args:
        clock_ms: wall clock.
        pace_ms: how often pollers are told to ask.
    """

    __slots__ = ("_clock_ms", "_pace_ms", "_stands_for", "era", "now_s")

    def __init__(self, clock_ms: Clock, pace_ms: Callable[[], int]) -> None:
        self._clock_ms = clock_ms
        self._pace_ms = pace_ms
        self._stands_for = (0, 0)
        self.era = 0
        """Another one for each second of the wall clock, and whenever all answers change."""
        self.now_s = 0.0
        """Monotonic; behind the clock by as much as the loop is late."""

    def beat(self, now_s: float) -> None:
        """Move on; called many times a second."""
        self.now_s = now_s
        stands_for = (self._clock_ms() // 1000, self._pace_ms())
        if stands_for != self._stands_for:
            self._stands_for = stands_for
            self.turn()

    def turn(self) -> None:
        """Begin another era."""
        self.era += 1
