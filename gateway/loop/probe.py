"""How late the event loop is, what pollers are told when it is, and the beat of its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

LOOK_S: Final = 0.01
SMOOTHING: Final = 0.02
"""Share of a new observation in the average: half a second's worth counts."""
LATE_S: Final = 0.01
"""An average stall of this much doubles the interval of pollers, each doubling of it once more."""
MAX_FACTOR: Final = 4


class LoopProbe:
    """Sleeps again and again, and notes how much too late it wakes.

    Args:
        observe: told each stall, in seconds.
        beat: told the time at each look.
        clock_s: monotonic.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        observe: Callable[[float], None],
        beat: Callable[[float], None],
        clock_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._observe = observe
        self._beat = beat
        self._clock_s = clock_s
        self._sleep = sleep
        self.stall_s = 0.0
        """How late the loop has been lately, on average."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            began_s = self._clock_s()
            await self._sleep(LOOK_S)
            now_s = self._clock_s()
            self.note(max(0.0, now_s - began_s - LOOK_S))
            self._beat(now_s)

    def note(self, stall_s: float) -> None:
        """Take one observation."""
        self._observe(stall_s)
        self.stall_s += SMOOTHING * (stall_s - self.stall_s)

    def pace_ms(self, usual_ms: int) -> int:
        """Say how often pollers should ask: as usual, or less often the later the loop is."""
        factor, late_s = 1, LATE_S
        while self.stall_s > late_s and factor < MAX_FACTOR:
            factor, late_s = factor * 2, late_s * 2
        return usual_ms * factor
