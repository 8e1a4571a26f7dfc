"""Whose clock staleness is told by: the server's, as far as this machine can know it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Exchange(NamedTuple):
    """One question for the server's time; ms."""

    asked: float
    server: float
    answered: float


class Offset(NamedTuple):
    """How far the server's clock is ahead of ours."""

    ms: float
    error_ms: float
    """Half of the round trip: more can't be known."""

    @property
    def is_told(self) -> bool:
        """Whether it is larger than what the measurement could be wrong by."""
        return abs(self.ms) > self.error_ms


def estimate(exchanges: Iterable[Exchange]) -> Offset:
    """Believe the fastest exchange, and that the answer was written half-way (RFC 5905 8).

    ``server`` is in whole ms, rounded down: half of one is added, and is part of the error.
    """
    best = min(exchanges, key=lambda exchange: exchange.answered - exchange.asked)
    middle = (best.asked + best.answered) / 2
    return Offset(best.server + 0.5 - middle, (best.answered - best.asked) / 2 + 0.5)


def wall_ms() -> float:
    """Read this machine's clock."""
    return time.time() * 1000


class ServerClock:
    """Now, by the server's clock: ours, corrected by the offset where one can be told."""

    def __init__(self, wall: Callable[[], float] = wall_ms) -> None:
        self._wall = wall
        self.offset: Offset | None = None

    def now_ms(self) -> float:
        """Give the time."""
        correction = self.offset.ms if self.offset is not None and self.offset.is_told else 0.0
        return self._wall() + correction

    def describe(self) -> str:
        """Say whose clock it is, for the reader of a report."""
        whose = f"'now' is read on {socket.gethostname()}"
        if self.offset is None:
            return f"{whose}, whose distance from the server's clock is not known"
        if not self.offset.is_told:
            return f"{whose}, whose clock is the server's within {self.offset.error_ms:.1f} ms"
        return (
            f"{whose} and corrected by {self.offset.ms:+.1f} ms to the server's clock "
            f"(measured at start, within {self.offset.error_ms:.1f} ms)"
        )
