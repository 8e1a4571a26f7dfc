"""Since when leases may be believed: a node reaps nobody who could not have renewed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from room.errors import Unavailable
from store.port import Clock

TOLERATED_MS: Final = 5_000
"""An absence no longer than the time between two renewals leaves every lease running."""


class Quiet:
    """The quiet time that a start, or an absence of the store, leaves behind.

    A call that fails while others succeed is no absence: a store that drops one call in twenty
    would keep every node quiet for ever.
    """

    def __init__(self, monotonic_ms: Clock) -> None:
        self._monotonic_ms = monotonic_ms
        self._since_ms = monotonic_ms()
        self._away_since_ms: int | None = None

    @property
    def lasted_ms(self) -> int:
        """How long the store has answered questions about leases, as far as was asked."""
        return 0 if self._is_away() else self._monotonic_ms() - self._since_ms

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note whether the store answers; the error goes on."""
        try:
            yield
        except Unavailable:
            if self._away_since_ms is None:
                self._away_since_ms = self._monotonic_ms()
            raise
        if self._is_away():
            self._since_ms = self._monotonic_ms()
        self._away_since_ms = None

    def _is_away(self) -> bool:
        away_since_ms = self._away_since_ms
        return away_since_ms is not None and self._monotonic_ms() - away_since_ms >= TOLERATED_MS
