"""Single flight: callers that ask for the same thing together share one read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

Spawn = Callable[[Coroutine[Any, Any, T]], "asyncio.Task[T]"]


WOKEN_AT_ONCE: Final = 64
"""Callers that hear of the end of a read before others get their turn."""


class SingleFlight(Generic[K, T]):
    """At most one read under way for a key.

    The read is a task of its own: a caller that is cancelled leaves it flying for the others.

    Args:
        spawn: starts a task, owns it, and hears of an error that nobody waits for.
    """

    def __init__(self, spawn: Spawn[T]) -> None:
        self._spawn = spawn
        self._flights: dict[K, asyncio.Task[T]] = {}
        self._crowds: dict[asyncio.Task[T], dict[asyncio.Future[None], None]] = {}

    def __contains__(self, key: K) -> bool:
        return self._under_way(key) is not None

    def __len__(self) -> int:
        return len(self._flights)

    def start(
        self, key: K, read: Callable[[], Coroutine[Any, Any, T]]
    ) -> tuple[asyncio.Task[T], bool]:
        """Join the flight of a key, or start one.

        Returns:
            the flight, and whether it was under way before.
        """
        flight = self._under_way(key)
        if flight is not None:
            return flight, True
        flight = self._flights[key] = self._spawn(read())
        flight.add_done_callback(lambda done: self._forget(key, done))
        return flight, False

    async def join(self, flight: asyncio.Task[T]) -> T:
        """Wait for a flight without owning it; cancellation leaves it flying.

        O(1) for each caller, also for one who leaves: ``asyncio.shield`` looks through all others
        then, which is a long time where a crowd hangs up together.
        """
        if not flight.done():
            crowd = self._crowds.get(flight)
            if crowd is None:
                crowd = self._crowds[flight] = {}
                flight.add_done_callback(self._land)
            turn = asyncio.get_running_loop().create_future()
            crowd[turn] = None
            try:
                await turn
            finally:
                crowd.pop(turn, None)
        return flight.result()

    def _land(self, flight: asyncio.Task[T]) -> None:
        self._wake(self._crowds.pop(flight))

    def _wake(self, crowd: dict[asyncio.Future[None], None]) -> None:
        for turn in list(crowd)[:WOKEN_AT_ONCE]:
            del crowd[turn]
            if not turn.done():
                turn.set_result(None)
        if crowd:
            asyncio.get_running_loop().call_soon(self._wake, crowd)

    def _under_way(self, key: K) -> asyncio.Task[T] | None:
        """Give the flight of a key; one that has landed is none, whoever hears of it first."""
        flight = self._flights.get(key)
        return None if flight is None or flight.done() else flight

    def _forget(self, key: K, done: asyncio.Task[T]) -> None:
        if self._flights.get(key) is done:
            del self._flights[key]
