"""Sweeps for tests: one that is over at once, and one that moves on when the test turns it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from gateway.push.sweep import CHUNK, Sweep


def inline_sweep() -> Sweep:
    """A sweep that is over when its course was started; time stands still."""
    return Sweep(lambda run: run(), lambda wait_s, run: run(), lambda: 0.0)


class Turns:
    """A sweep that moves on only when the test turns it; its clock is the test's too."""

    def __init__(self, chunk: int = CHUNK) -> None:
        self.now_s = 0.0
        self.soon: list[Callable[[], None]] = []
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.observed: list[tuple[float, int]] = []
        self._numbers = itertools.count()
        self.sweep = Sweep(
            self.soon.append,
            self.later,
            lambda: self.now_s,
            lambda waited_s, count: self.observed.append((waited_s, count)),
            chunk,
        )

    def later(self, wait_s: float, run: Callable[[], None]) -> None:
        heapq.heappush(self.timers, (self.now_s + wait_s, next(self._numbers), run))

    def turn(self) -> None:
        """Let the loop turn once: what was ready runs, and what that made ready does not."""
        while self.timers and self.timers[0][0] <= self.now_s:
            self.soon.append(heapq.heappop(self.timers)[2])
        ready, self.soon[:] = self.soon[:], []
        for run in ready:
            run()

    def finish(self) -> None:
        """Turn until nothing is left to do; where only timers are left, time jumps to them."""
        while self.soon or self.timers:
            if not self.soon:
                self.now_s = max(self.now_s, self.timers[0][0])
            self.turn()
