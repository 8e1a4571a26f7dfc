"""Single flight: callers that ask for the same thing together share one read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

Spawn = Callable[[Coroutine[Any, Any, T]], "asyncio.Task[T]"]


class SingleFlight(Generic[K, T]):
    """At most one read under way for a key.

    The read is a task of its own: a caller that is cancelled leaves it flying for the others.

    Args:
        spawn: starts a task, owns it, and hears of an error that nobody waits for.
    """

    def __init__(self, spawn: Spawn[T]) -> None:
        self._spawn = spawn
        self._flights: dict[K, asyncio.Task[T]] = {}

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

    def _under_way(self, key: K) -> asyncio.Task[T] | None:
        """Give the flight of a key; one that has landed is none, whoever hears of it first."""
        flight = self._flights.get(key)
        return None if flight is None or flight.done() else flight

    def _forget(self, key: K, done: asyncio.Task[T]) -> None:
        if self._flights.get(key) is done:
            del self._flights[key]


async def join(flight: asyncio.Task[T]) -> T:
    """Wait for a flight without owning it; cancellation leaves it flying."""
    return await asyncio.shield(flight)
