"""The hand-over from the channels to who iterates: bounded, the newest wins."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """An async iterator over what is put in; when it is full, the oldest item is dropped.

    A mailbox has one reader. With a depth of 1 a slow reader skips and always gets the newest.
    """

    def __init__(self, depth: int = 1) -> None:
        self._items: Final[deque[T]] = deque(maxlen=depth)
        self._changed: Final = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None
        self.skipped = 0
        """How many items were dropped for newer ones."""

    def put(self, item: T) -> None:
        """Hand an item over; never waits."""
        if len(self._items) == self._items.maxlen:
            self.skipped += 1
        self._items.append(item)
        self._changed.set()

    def end(self, error: BaseException | None = None) -> None:
        """Let the reader stop, or fail, after what is still in here."""
        self._ended = True
        self._error = error
        self._changed.set()

    def __aiter__(self) -> Mailbox[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._items.popleft()
