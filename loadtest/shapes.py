"""How an evening goes: how many users there are at each moment, and what happens to them.

Pure, and free of Locust, which patches the sockets of whoever imports it.
"""

from __future__ import annotations

from typing import ClassVar, Final, NamedTuple

STORMS: Final = 3
"""In one run, at equal distances."""
STEPS: Final = (1, 2, 5, 10, 20)
"""By what the hot room multiplies the rate of changes, one step after another."""


class Plan(NamedTuple):
    """What was asked for on the command line."""

    users: int
    seconds: int
    spawn_rate: float
    changes_per_s: float
    """Over all rooms."""


class Stage(NamedTuple):
    """One moment of a run."""

    users: int
    spawn_rate: float
    changes_per_s: float
    storms: int = 0
    """How many there have been; each time it rises, everybody leaves and comes back."""


class Steady:
    """A steady evening: everybody comes, stays, and reads."""

    name: ClassVar[str] = "steady"
    hot_share: ClassVar[float] = 0.0
    """Of the users, how many go to the first room; the others spread over all rooms."""
    slow_readers: ClassVar[bool] = False

    def at(self, second: float, plan: Plan) -> Stage | None:
        """Give the stage at a time of the run; None when it is over.

        Args:
            second: since the start.
            plan: what was asked for.
        """
        if second >= plan.seconds:
            return None
        return self.stage(second / plan.seconds, plan)

    def stage(self, progress: float, plan: Plan) -> Stage:
        """Give the stage at a part of the run, in 0..1."""
        del progress
        return Stage(plan.users, plan.spawn_rate, plan.changes_per_s)


class Hot(Steady):
    """Most users in one room, whose rate of changes rises in steps."""

    name = "hot"
    hot_share = 0.9

    def stage(self, progress: float, plan: Plan) -> Stage:
        """Multiply the changes by the step of this moment."""
        step = STEPS[int(progress * len(STEPS))]
        return Stage(plan.users, plan.spawn_rate, plan.changes_per_s * step)


class Storm(Steady):
    """All leave at the same moment, and come back at the same moment, several times."""

    name = "storm"

    def stage(self, progress: float, plan: Plan) -> Stage:
        """Count the storms up to this moment."""
        storms = int(progress * (STORMS + 1))
        return Stage(plan.users, plan.spawn_rate, plan.changes_per_s, storms)


class Slow(Steady):
    """A steady evening where some read a frame now and then, from a small socket buffer."""

    name = "slow"
    slow_readers = True


SHAPES: Final[dict[str, Steady]] = {
    shape.name: shape for shape in (Steady(), Hot(), Storm(), Slow())
}
