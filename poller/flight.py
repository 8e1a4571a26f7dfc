"""Single flight: callers that ask for the same thing together share one read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from room.errors import SeatsyncError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

Spawn = Callable[[Coroutine[Any, Any, T]], "asyncio.Task[T]"]


class SingleFlight(Generic[K, T]):
    """At most one read under way for a key.

    The read is a task of its own: a caller that is cancelled leaves it flying for the others.
    """

    def __init__(self, spawn: Spawn[T]) -> None:
        self._spawn = spawn
        self._flights: dict[K, asyncio.Task[T]] = {}

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
        flight.add_done_callback(lambda task: self._land(key, task))
        return flight, False

    def _land(self, key: K, flight: asyncio.Task[T]) -> None:
        """Let the next caller start anew.

        A flight may land with an error after everybody has gone: an expected one ends here, any
        other goes to the loop's exception handler.
        """
        del self._flights[key]
        error = None if flight.cancelled() else flight.exception()
        if error is not None and not isinstance(error, SeatsyncError):
            raise error


async def join(flight: asyncio.Task[T]) -> T:
    """Wait for a flight without owning it; cancellation leaves it flying."""
    return await asyncio.shield(flight)
