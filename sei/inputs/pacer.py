"""When what has a time in a stream is due on the clock. Pure.

A source that fell far behind is not raced after, a jump in its times is not waited for: in both
cases the stream is due from now on.
"""

from __future__ import annotations

from typing import Final

MAX_LAG_S: Final = 2.0
MAX_AHEAD_S: Final = 5.0


class Pacer:
    """Maps the times of a stream to those of a clock."""

    def __init__(self) -> None:
        self._start_s: float | None = None
        self._last_s = 0.0

    def due_s(self, stream_s: float, now_s: float) -> float:
        """Say when on the clock a time of the stream is due; ``now_s`` or before: at once."""
        jumped = not -MAX_AHEAD_S <= stream_s - self._last_s <= MAX_AHEAD_S
        if self._start_s is None or jumped or now_s - self._start_s - stream_s > MAX_LAG_S:
            self._start_s = now_s - stream_s
        self._last_s = stream_s
        return self._start_s + stream_s
