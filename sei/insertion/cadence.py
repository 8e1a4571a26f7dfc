"""When which message goes into which access unit (SEI.md 2).

| cause | what follows |
| --- | --- |
| a new snapshot | its messages, three rounds: one access unit and the two after it |
| a keyframe | one round, for who joins there |
| 500 ms of stream time since a round began | one round |

A round is every message of a snapshot once, one an access unit. Rounds that are due at the same
time are not added up. A new snapshot ends the rounds of the one before it. Time is that of the
stream: field-coded video has two access units a frame, so packets measure nothing.

A stream may have less: ``keyframes`` leaves the second cause only, a round at each; ``off`` leaves
none. What came with our UUID is taken out all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

REPEAT_INTERVAL_MS: Final = 500
ROUNDS_ON_CHANGE: Final = 3

Injection = Literal["on", "keyframes", "off"]
"""Which causes count: all, keyframes alone, none."""


class Cadence:
    """The schedule of one video stream.

    Args:
        injection: which causes count.
        repeat_interval_ms: the longest time between the beginnings of two rounds.
    """

    def __init__(
        self, injection: Injection = "on", *, repeat_interval_ms: int = REPEAT_INTERVAL_MS
    ) -> None:
        self._injection: Final = injection
        self._repeat_interval_ms: Final = repeat_interval_ms
        self._messages: tuple[bytes, ...] = ()
        self._next = 0
        self._due = 0
        self._round_began_ms: float = 0.0

    def is_due(self, dts_ms: float, is_keyframe: bool, messages: Sequence[bytes]) -> bool:
        """Tell whether the next access unit may have to carry something; changes nothing.

        Where it says no, ``choose`` would give nothing and need not be called.

        Args:
            dts_ms: as of ``choose``.
            is_keyframe: as of ``choose``.
            messages: as of ``choose``.
        """
        if not messages or self._injection == "off":
            return False
        if self._due or is_keyframe or messages is not self._messages:
            return True
        is_late = not 0 <= dts_ms - self._round_began_ms < self._repeat_interval_ms
        return is_late and self._injection == "on"

    def choose(self, dts_ms: float, is_keyframe: bool, messages: Sequence[bytes]) -> bytes | None:
        """Say what the next access unit carries; call once for each, in decoding order.

        Args:
            dts_ms: its decoding time.
            is_keyframe: whether a reader may start here.
            messages: those of the newest snapshot; empty while no state is known.
        """
        if not messages or self._injection == "off":
            return None
        always = self._injection == "on"
        if messages is not self._messages and tuple(messages) != self._messages:
            self._messages = tuple(messages)
            self._next, self._due = 0, ROUNDS_ON_CHANGE * len(messages) if always else 0
        # A clock that ran backwards tells nothing, so it counts as late.
        is_late = not 0 <= dts_ms - self._round_began_ms < self._repeat_interval_ms
        if is_keyframe or (is_late and always):
            self._due = max(self._due, len(messages))
        return self._take(dts_ms) if self._due else None

    def _take(self, dts_ms: float) -> bytes:
        if self._next == 0:
            self._round_began_ms = dts_ms
        message = self._messages[self._next]
        self._next = (self._next + 1) % len(self._messages)
        self._due -= 1
        return message
