"""One command at a time per room, in the order of arrival."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """A lock a room, made when somebody waits and dropped when nobody does.

    Other nodes are not held back; the store's compare-and-set is what keeps them apart. This only
    spares a node from racing against itself.
    """

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._locks)

    @asynccontextmanager
    async def of(self, room: str) -> AsyncIterator[None]:
        """Hold the room's turn."""
        lock = self._locks.setdefault(room, asyncio.Lock())
        self._waiting[room] = self._waiting.get(room, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[room] -= 1
            if not self._waiting[room]:
                del self._waiting[room], self._locks[room]
