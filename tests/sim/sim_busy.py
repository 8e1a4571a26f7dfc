"""A loop that has other things to do than to carry out a sweep."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from gateway.push.sweep import Course, Sweep


class Busy:
    """The loop as a sweep has it: slices come late, and each chunk costs time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, rng: random.Random) -> None:
        self._loop = loop
        self._rng = rng
        self._late_s = rng.choice((0.0, 0.0, 0.01, 0.03))
        self._chunk_s = rng.choice((0.0, 0.0005, 0.06))
        self._spent_s = 0.0

    def soon(self, call: Callable[[], None]) -> None:
        """Call something soon."""
        if self._late_s:
            late_s = self._rng.expovariate(1 / self._late_s)
            self._loop.call_later(min(late_s, 3 * self._late_s), call)
        else:
            self._loop.call_soon(call)

    def clock_s(self) -> float:
        """Tell the time."""
        return self._loop.time() + self._spent_s

    def toiling(self, kind: type[Sweep]) -> type[Sweep]:
        """Give a sweep whose chunks cost time, so that it rests after a pass."""
        busy = self

        class Toiling(kind):  # type: ignore[misc, valid-type]  # a planted one
            def _step(self, course: Course[Any], began_s: float) -> float:
                busy._spent_s += busy._chunk_s
                return float(super()._step(course, began_s))

        return Toiling
