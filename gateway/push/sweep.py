"""The sweep: what is new is brought to many, in slices that leave the loop to others.

Theory of operation. A course is one thing that many are to get: a document, a message to a room. A
pass visits all of its targets, a chunk at a time; due courses take turns chunk by chunk, so that a
small room never waits for a big one. What is newer than the pass carries it on at once, and another
pass follows for those who were visited before: each gets the newest there is at its turn.

A course rests after a pass for as long as the pass has cost and half as much again, counted from
its beginning and ``MAX_WINDOW_S`` at most: this is the window in which changes are merged. It is
next to nothing in a small or idle room. A change that comes at any moment is with everybody within
one and a half times the cost of a pass, since those whom the pass has yet to visit get it there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import length_hint
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

CHUNK: Final = 64
"""Targets that a course visits before another has its turn."""
SLICE_S: Final = 0.001
"""How long the loop is kept at once."""
REST_OVER_COST: Final = 1.5
MAX_WINDOW_S: Final = 0.5
MIN_WINDOW_S: Final = 0.002
"""A shorter window is none: no timer is set for it."""

Soon = Callable[[Callable[[], None]], Any]
"""Calls something in the next turn of the loop."""
Later = Callable[[float, Callable[[], None]], Any]
"""Calls something after so many seconds."""
Observe = Callable[[float, int], None]
"""Told how long so many deliveries have waited, in seconds."""


class Course(Generic[T]):
    """What is brought to many; a subclass says to whom, and how."""

    __slots__ = ("again", "began_s", "cost_s", "cursor", "due_s", "is_under_way", "pass_", "rest_s")

    def __init__(self) -> None:
        self.pass_: Sequence[T] | None = None
        self.cursor = 0
        self.again = False
        self.is_under_way = False
        self.began_s = self.cost_s = self.due_s = 0.0
        self.rest_s = float("-inf")
        """Until when no further pass begins."""

    def targets(self) -> Sequence[T]:
        """Give those who are to be visited now."""
        raise NotImplementedError

    def visit(self, some: Iterable[T]) -> int:
        """Bring the newest to some; tell how many took it. They may have left meanwhile."""
        raise NotImplementedError

    def rest(self) -> None:
        """Everybody has been visited."""


class Sweep:
    """Carries out courses.

    Args:
        soon: calls something in the next turn of the loop.
        later: calls something after some seconds.
        clock_s: monotonic.
        observe: told how long deliveries have waited since their course was started.
        chunk: targets that a course visits before another has its turn.
    """

    def __init__(
        self,
        soon: Soon,
        later: Later,
        clock_s: Callable[[], float],
        observe: Observe = lambda waited_s, count: None,
        chunk: int = CHUNK,
    ) -> None:
        self._soon = soon
        self._later = later
        self._clock_s = clock_s
        self._observe = observe
        self._chunk = chunk
        self._due: deque[Course[Any]] = deque()
        self._is_running = False

    def __len__(self) -> int:
        """Count the courses that are due now; those that rest are not."""
        return len(self._due)

    def start(self, course: Course[Any]) -> None:
        """Visit all of a course: now, or after its rest, or once more after the present pass."""
        now_s = self._clock_s()
        if course.pass_ is not None:
            course.again = True
            course.due_s = now_s
        elif not course.is_under_way:
            course.is_under_way = True
            course.due_s = now_s
            self._begin_after(course, course.rest_s - now_s)

    def _begin_after(self, course: Course[Any], wait_s: float) -> None:
        if wait_s < MIN_WINDOW_S:
            self._begin(course)
        else:
            self._later(wait_s, lambda: self._begin(course))

    def _begin(self, course: Course[Any]) -> None:
        course.pass_ = course.targets()
        course.cursor = 0
        course.cost_s = 0.0
        course.began_s = self._clock_s()
        self._due.append(course)
        if not self._is_running:
            self._is_running = True
            self._soon(self._run)

    def _run(self) -> None:
        """Keep the loop for one slice."""
        began_s = now_s = self._clock_s()
        try:
            while self._due and now_s - began_s < SLICE_S:
                now_s = self._step(self._due.popleft(), now_s)
        finally:  # what one target has raised is the loop's to report, and stops no other
            self._is_running = bool(self._due)
            if self._is_running:
                self._soon(self._run)

    def _step(self, course: Course[Any], began_s: float) -> float:
        """Visit one chunk; gives the time after it."""
        targets = course.pass_ or ()
        some = targets[course.cursor : course.cursor + self._chunk]
        unvisited = iter(some)
        taken = 0
        try:
            taken = course.visit(unvisited)
        finally:
            course.cursor += len(some) - length_hint(unvisited)  # one that raises stops no other
            now_s = self._clock_s()
            course.cost_s += now_s - began_s
            if course.cursor < len(targets):
                self._due.append(course)
            else:
                self._end(course, now_s)
        if taken:
            self._observe(now_s - course.due_s, taken)
        return now_s

    def _end(self, course: Course[Any], now_s: float) -> None:
        course.pass_ = None
        course.rest_s = course.began_s + min(MAX_WINDOW_S, REST_OVER_COST * course.cost_s)
        if course.again:
            course.again = False
            self._begin_after(course, course.rest_s - now_s)
        else:
            course.is_under_way = False
            course.rest()
