"""How much of a core one live input may use, so that one that floods us leaves the others alone.

An honest stream uses a few thousandths. One that sends without a pace, or cut into bytes, is taken
in as fast as its share allows; then it has to wait. Pure but for its two clocks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

SHARE: Final = 0.25
BURST_S: Final = 0.5
"""Of work: what a server sends at once at the beginning costs less."""
LONG_S: Final = 0.004
"""After so much work in one piece others have a turn, whatever is left of the share."""


class Ration:
    """What is left to one input, in seconds of work; for one thread.

    Args:
        share: how much of a core it may use in the long run.
        burst_s: how much it may save up.
        work: seconds that this thread has worked.
        now: seconds that never run back.
    """

    def __init__(
        self,
        share: float = SHARE,
        burst_s: float = BURST_S,
        *,
        work: Callable[[], float] = time.thread_time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share: Final = share
        self._burst_s: Final = burst_s
        self._work: Final = work
        self._now: Final = now
        self._left_s = burst_s
        self._seen_s = now()
        self._began_s = 0.0

    def begin(self) -> None:
        """Hear that work begins, in the thread that does it."""
        self._began_s = self._work()

    def end(self) -> float | None:
        """Hear that it is done; give how long to rest now, None where there is no need."""
        worked_s, now_s = self._work() - self._began_s, self._now()
        gained_s = (now_s - self._seen_s) * self._share
        self._left_s = min(self._burst_s, self._left_s + gained_s) - worked_s
        self._seen_s = now_s
        if self._left_s < 0:
            return -self._left_s / self._share
        return 0.0 if worked_s > LONG_S else None

    async def rest(self) -> None:
        """Hear that the work is done, and rest as long as it needs."""
        rest_s = self.end()
        if rest_s is not None:
            await asyncio.sleep(rest_s)
