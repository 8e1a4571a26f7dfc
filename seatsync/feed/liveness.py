"""Whether the push connection is alive; no clock."""

from __future__ import annotations

from typing import Final

from seatsync.backoff import retry_delay_ms, spread_ms
from seatsync.errors import SourceEnded
from seatsync.ladder import STABLE_MS

PERMANENT_RETRY_MS: Final = 60_000
"""Push that was refused for good is tried again all the same: gateways are replaced."""


class Liveness:
    """Hears of every frame, and of the ends of connections.

    Args:
        quiet_s: a connection that says nothing for longer is not relied upon.
    """

    def __init__(self, quiet_s: float) -> None:
        self._quiet_s: Final = quiet_s
        self._alive_since_s: float | None = None
        self._failures = 0
        self.heard_at_s = 0.0
        """When the gateway last said anything."""
        self.is_quiet = False
        """Whether an open connection has said nothing for too long."""
        self.welcomes = 0
        self.endings = 0
        self.ended: SourceEnded | None = None
        """Why the last connection is over; None while one is alive."""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that was welcomed."""
        return self._alive_since_s is not None

    @property
    def is_alive(self) -> bool:
        """Whether it can be relied upon."""
        return self.is_open and not self.is_quiet

    def welcomed(self, now_s: float) -> None:
        """Hear that the gateway lets us in."""
        self._alive_since_s = now_s
        self.welcomes += 1
        self.ended = None

    def heard(self, now_s: float) -> bool:
        """Hear of a frame; tell whether it ends a silence."""
        self.heard_at_s = now_s
        was_quiet, self.is_quiet = self.is_quiet, False
        return was_quiet

    def falls_silent(self, now_s: float) -> bool:
        """Tell whether a silence became too long since the last question."""
        if not self.is_alive or now_s - self.heard_at_s <= self._quiet_s:
            return False
        self.is_quiet = True
        return True

    def over(self, ended: SourceEnded, now_s: float) -> bool:
        """Hear that the connection is over, or was not made; tell whether that is news."""
        since_s, self._alive_since_s = self._alive_since_s, None
        if since_s is not None and (now_s - since_s) * 1000 >= STABLE_MS:
            self._failures = 0
        is_news = self.ended is None or self.ended.code != ended.code
        self.is_quiet = False
        self.ended = ended
        self.endings += 1
        return is_news

    def retry_ms(self, draw: float) -> int:
        """Give the wait before the next connection; call once for each that is over."""
        hint_ms = None if self.ended is None else self.ended.retry_after_ms
        if hint_ms is None and self.ended is not None and self.ended.permanent:
            return spread_ms(PERMANENT_RETRY_MS, draw)
        self._failures += 1
        return retry_delay_ms(hint_ms, self._failures - 1, draw)
