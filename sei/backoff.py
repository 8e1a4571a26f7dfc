"""How long to wait before the next attempt: full jitter under a bound that doubles."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_DOUBLINGS: Final = 16


class Backoff:
    """Counts the attempts that failed in a row.

    Args:
        base_s: the bound after the first failure.
        cap_s: where the bound stops growing.
        lived_s: who lived for this long begins anew at its next failure.
        draw: gives random numbers in 0..1.
    """

    def __init__(
        self,
        base_s: float = 0.5,
        cap_s: float = 15.0,
        *,
        lived_s: float = 10.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._base_s: Final = base_s
        self._cap_s: Final = cap_s
        self._lived_s: Final = lived_s
        self._draw: Final = draw
        self.failures = 0

    def next_s(self, lived_s: float = 0.0) -> float:
        """Give the wait after a failure.

        Args:
            lived_s: for how long what failed had been well.
        """
        if lived_s >= self._lived_s:
            self.failures = 0
        bound_s = min(self._cap_s, self._base_s * (1 << min(self.failures, _DOUBLINGS)))
        self.failures += 1
        return self._draw() * bound_s
