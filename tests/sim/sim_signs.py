"""What a user has shown of themselves, to whichever node."""

from __future__ import annotations

from typing import Final

CHAIN_S: Final = 8.0
"""Signs that come no farther apart are one presence."""
NEVER_S: Final = -1e9


class Signs:
    """Signs of life: connections that are open, and polls and commands now and then."""

    def __init__(self) -> None:
        self.connections = 0
        self.was_silent_s = 1e9
        """For how long, before the presence that is going on or was the last."""
        self._since_s = self._last_s = NEVER_S

    def __repr__(self) -> str:
        return f"since {self._since_s:.1f} last {self._last_s:.1f} open {self.connections}"

    def give(self, now_s: float) -> None:
        """Take a sign."""
        silent_s = self.silent_s(now_s)
        if silent_s > CHAIN_S:
            self._since_s, self.was_silent_s = now_s, silent_s
        self._last_s = now_s

    def connect(self, now_s: float) -> None:
        """A connection is open."""
        self.give(now_s)
        self.connections += 1

    def disconnect(self, now_s: float) -> None:
        """A connection is open no longer; it may never have been."""
        if self.connections:
            self.connections -= 1
            self._last_s = now_s

    def last_s(self, now_s: float) -> float:
        """Tell when the last sign was."""
        return now_s if self.connections else self._last_s

    def silent_s(self, now_s: float) -> float:
        """Tell for how long there was none."""
        return now_s - self.last_s(now_s)

    def back_for_s(self, now_s: float) -> float:
        """Tell how long the presence has lasted that is going on or was the last."""
        return now_s - self._since_s
