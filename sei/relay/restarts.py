"""When what ended is started again: the first time at once, then with backoff. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from sei.backoff import Backoff

QUIET_S: Final = 60.0
"""What ran for so long counts as sound again."""


class Restarts:
    """The ends of one thing.

    Args:
        base_s: the bound of the wait after the second end in a row.
        cap_s: where the bound stops growing.
        draw: gives random numbers in 0..1.
    """

    def __init__(
        self,
        base_s: float = 0.5,
        cap_s: float = 30.0,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._backoff: Final = Backoff(base_s, cap_s, lived_s=QUIET_S, draw=draw)
        self._started_s: float | None = None

    @property
    def ends_in_a_row(self) -> int:
        """How many ends there were without a quiet minute between them."""
        return 0 if self._started_s is None else self._backoff.failures + 1

    def wait_s(self, now_s: float) -> float:
        """Count an end and say how long to wait before the next start.

        Args:
            now_s: of a monotonic clock.
        """
        lived_s = QUIET_S if self._started_s is None else now_s - self._started_s
        wait_s = 0.0 if lived_s >= QUIET_S else self._backoff.next_s(lived_s)
        if lived_s >= QUIET_S:
            self._backoff.failures = 0
        self._started_s = now_s + wait_s
        return wait_s
