"""Since when leases may be believed: a node reaps nobody who could not have renewed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from room.errors import Unavailable
from store.port import Clock


class Quiet:
    """The quiet time that a start, or an absence of the store, leaves behind."""

    def __init__(self, monotonic_ms: Clock) -> None:
        self._monotonic_ms = monotonic_ms
        self._since_ms = monotonic_ms()

    @property
    def lasted_ms(self) -> int:
        """How long the store has answered every question about leases, as far as was asked."""
        return self._monotonic_ms() - self._since_ms

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Begin the quiet time anew if the store does not answer; the error goes on."""
        try:
            yield
        except Unavailable:
            self._since_ms = self._monotonic_ms()
            raise
