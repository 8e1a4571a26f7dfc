"""What the shape asks of every user of this process, as it is told by the master."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loadtest.shapes import Stage


class Tide:
    """Holds the newest stage; a storm cuts everybody who joined."""

    def __init__(self) -> None:
        self.changes_per_s = 0.0
        self._storms = 0
        self._cuts: set[Callable[[], None]] = set()

    def join(self, cut: Callable[[], None]) -> None:
        """Be cut by each storm from now on."""
        self._cuts.add(cut)

    def leave(self, cut: Callable[[], None]) -> None:
        """Be cut no more."""
        self._cuts.discard(cut)

    def take(self, told: dict[str, Any]) -> None:
        """Hear of a stage; each is told again and again, for workers that come late."""
        self.changes_per_s = told["changes_per_s"]
        came = told["storms"] > self._storms
        self._storms = told["storms"]
        if came:
            for cut in tuple(self._cuts):
                cut()


def message(stage: Stage) -> dict[str, Any]:
    """Write what workers are told of a stage."""
    return {"changes_per_s": stage.changes_per_s, "storms": stage.storms}
