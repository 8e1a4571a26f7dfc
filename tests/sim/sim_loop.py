"""An event loop whose every choice comes from a seed: any ready callback may run next.

Time is virtual: it stands still while anything can run and then jumps to the next timer, so a
minute of waiting costs nothing and a schedule is run again exactly from its seed.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

MAX_STEPS: Final = 200_000


class Stuck(Exception):
    """Nothing can run any more, or it runs without end."""


class NumberedTask(asyncio.Task[Any]):
    """A task that stands in a set where its number puts it, not where memory does."""

    def __init__(self, number: int, coro: Any, **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number


class SimulatedLoop(asyncio.AbstractEventLoop):
    """What asyncio's tasks, futures, locks and time-outs need of a loop; no sockets, no threads."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng.random
        self._ready: list[asyncio.Handle] = []
        self._timers: list[tuple[float, float, asyncio.TimerHandle]] = []
        self._now_s = 0.0
        self._numbers = itertools.count()
        self.steps = 0
        self.unexpected: list[dict[str, Any]] = []
        """What reached the exception handler."""

    def time(self) -> float:
        return self._now_s

    def get_debug(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> Any:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, self._random(), timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> Any:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        return NumberedTask(next(self._numbers), coro, loop=self, **options)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.unexpected.append(context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are dropped when their time comes."""

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until ``main`` ends; then whatever it left behind is cancelled.

        Raises:
            Stuck: it can't end.
        """
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
            return task.result()
        finally:
            self._cancel_rest()
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise Stuck(f"still running after {MAX_STEPS} steps")
        if not self._ready:
            self._advance()
        ready = self._ready
        chosen = int(self._random() * len(ready))
        ready[chosen], ready[-1] = ready[-1], ready[chosen]
        handle = ready.pop()
        if not handle.cancelled():
            handle._run()

    def _advance(self) -> None:
        """Jump to the next timer; all that are due at that moment become ready together."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise Stuck("everybody waits for somebody")
        self._now_s = max(self._now_s, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now_s:
            self._ready.append(heapq.heappop(self._timers)[2])

    def _cancel_rest(self) -> None:
        while rest := asyncio.all_tasks(self):
            for task in rest:
                task.cancel()
            for _ in range(1000):
                if self._ready:
                    self._ready.pop(0)._run()
