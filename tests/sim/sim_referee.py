"""Who watches a schedule: rules that must hold at every moment, and what was seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from room.position import Position
from room.snapshot import Snapshot
from room.views import View

BodyKey = tuple[str, str, Position, View]


class RuleBroken(AssertionError):
    """A schedule ended in something that must not be."""

    def __init__(self, seed: int, rule: str, trace: str) -> None:
        super().__init__(f"seed {seed}: {rule}\nRun it alone: SIM_SEED={seed} pytest tests/sim")
        self.seed: Final = seed
        self.rule: Final = rule
        self.add_note(trace)


class Referee:
    """Takes down the first rule that was broken; a schedule runs on to its end all the same."""

    def __init__(self, seed: int, now_s: Callable[[], float]) -> None:
        self._seed = seed
        self._now_s = now_s
        self._trace: deque[tuple[float, tuple[Any, ...]]] = deque(maxlen=80)
        self._bodies: dict[BodyKey, bytes] = {}
        self._first: RuleBroken | None = None

    def saw(self, *facts: Any) -> None:
        """Note an event for the trace."""
        self._trace.append((self._now_s(), facts))

    def broken(self, rule: str, *facts: Any) -> None:
        """A rule does not hold."""
        if self._first is None:
            self.saw("BROKEN", rule, *facts)
            lines = (f"{at:9.4f}  {' '.join(map(str, facts))}" for at, facts in self._trace)
            self._first = RuleBroken(self._seed, rule, "\n".join(lines))

    def check(self, holds: bool, rule: str, *facts: Any) -> None:
        """Take a rule as broken unless it holds."""
        if not holds:
            self.broken(rule, *facts)

    def check_body(self, snapshot: Snapshot) -> None:
        """One position names one body per view."""
        key = (snapshot.room, snapshot.doc, snapshot.position, snapshot.view)
        first = self._bodies.setdefault(key, snapshot.body)
        self.check(first == snapshot.body, "one position names one body per view", *key)

    def judge(self) -> None:
        """End the schedule.

        Raises:
            RuleBroken: one was.
        """
        if self._first is not None:
            raise self._first
