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
        return key in self._flights

    def __len__(self) -> int:
        return len(self._flights)

    def start(
        self, key: K, read: Callable[[], Coroutine[Any, Any, T]]
    ) -> tuple[asyncio.Task[T], bool]:
        """Join the flight of a key, or start one.

        Returns:
            the flight, and whether it was under way before.
        """
        flight = self._flights.get(key)
        if flight is not None:
            return flight, True
        flight = self._flights[key] = self._spawn(read())
        flight.add_done_callback(lambda _: self._flights.pop(key))
        return flight, False


async def join(flight: asyncio.Task[T]) -> T:
    """Wait for a flight without owning it; cancellation leaves it flying."""
    return await asyncio.shield(flight)
