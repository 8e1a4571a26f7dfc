"""A course that notes what it brought to whom, and when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from push_turns import Turns

from gateway.push.sweep import Course


class Round(Course[int]):
    """Brings a number to many; each visit costs time."""

    def __init__(self, turns: Turns, size: int, each_s: float = 0.0) -> None:
        super().__init__()
        self.turns = turns
        self.people = list(range(size))
        self.each_s = each_s
        self.newest = 0
        self.got: dict[int, list[tuple[int, float]]] = {}
        self.rests = 0
        self.visits: list[tuple[int, ...]] = []

    def targets(self) -> Sequence[int]:
        return tuple(self.people)

    def visit(self, some: Iterable[int]) -> int:
        taken = 0
        met = []
        for person in some:
            met.append(person)
            self.turns.now_s += self.each_s
            taken += self.meet(person)
        self.visits.append(tuple(met))
        return taken

    def meet(self, person: int) -> bool:
        """Bring the newest to one; one who has left takes nothing."""
        had = self.got.setdefault(person, [])
        if person not in self.people or (had and had[-1][0] == self.newest):
            return False
        had.append((self.newest, self.turns.now_s))
        return True

    def rest(self) -> None:
        self.rests += 1

    def say(self, number: int) -> None:
        """Bring a number from now on."""
        self.newest = number
        self.turns.sweep.start(self)

    def numbers(self, person: int) -> list[int]:
        """Give what one got, in order."""
        return [number for number, _ in self.got.get(person, [])]

    def when(self, person: int, number: int) -> float:
        """Tell when one had a number or what came after it."""
        return next((at_s for had, at_s in self.got[person] if had >= number), math.inf)
