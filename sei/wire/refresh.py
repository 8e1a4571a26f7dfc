"""When a reader asks for the key set again; pure, the clock is an argument."""

from __future__ import annotations

from typing import Final

RENEW_EVERY_S: Final = 600.0
UNKNOWN_EVERY_S: Final = 60.0


class Refresh:
    """Paces the attempts of one reader to have the key set.

    | what happened | asked again |
    | --- | --- |
    | nothing yet | at once |
    | the set is there | every 10 minutes, so that a key that was retired is trusted no longer |
    | a message names a key that is not in it | at once, at most every minute |
    | the attempt failed | after a minute |

    The minute bounds what a stream of made-up key ids can cost the gateway.

    Args:
        renew_every_s: the longest that a set is used without asking.
        unknown_every_s: the shortest time between two attempts.
    """

    def __init__(
        self, *, renew_every_s: float = RENEW_EVERY_S, unknown_every_s: float = UNKNOWN_EVERY_S
    ) -> None:
        self._renew_every_s: Final = renew_every_s
        self._unknown_every_s: Final = unknown_every_s
        self._began_s: float | None = None
        self._failed = False
        self._unknown = False

    def met_unknown(self) -> None:
        """Hear that a message names a key that is not in the set."""
        self._unknown = True

    def failed(self) -> None:
        """Hear that the attempt brought no set."""
        self._failed = True

    def due_in_s(self, now_s: float) -> float:
        """Say how long to wait before the next attempt; 0: now."""
        if self._began_s is None:
            return 0.0
        soon = self._failed or self._unknown
        interval_s = self._unknown_every_s if soon else self._renew_every_s
        return max(0.0, self._began_s + interval_s - now_s)

    def begin(self, now_s: float) -> bool:
        """Begin an attempt if one is due.

        Returns:
            Whether it is due; then it counts as made.
        """
        if self.due_in_s(now_s) > 0:
            return False
        self._began_s = now_s
        self._failed = self._unknown = False
        return True
