"""Polls that wait for something newer (PROTOCOL.md 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gateway.push.hub import Hub
from gateway.push.mailbox import Key
from room.errors import InvalidArgument
from room.position import Position
from room.snapshot import Snapshot
from room.views import View

LONGEST_S: Final = 25.0
SIGN_EVERY_S: Final = 5.0
"""A poll that waits is a sign of life all the time: the longest outlasts a lease."""


class Waiter:
    """A poll that follows a document until it is past a position."""

    def __init__(self, view: View, after: Position) -> None:
        self.view: Final[View] = view
        self._after = after
        self._over = asyncio.Event()

    def offer(self, snapshot: Snapshot) -> bool:
        """Take note of a snapshot; a newer one ends the wait."""
        if snapshot.position <= self._after:
            return False
        self._over.set()
        return True

    def release(self) -> None:
        """End the wait though there is nothing newer."""
        self._over.set()

    async def wait(self, within_s: float, sign: Callable[[], None]) -> bool:
        """Wait until there is something newer, or the time is over.

        Args:
            within_s: how long at most.
            sign: called every ``SIGN_EVERY_S`` of it.

        Returns:
            whether there is something to read; False: the time is over.
        """
        left_s = within_s
        while left_s > 0:
            part_s = min(left_s, SIGN_EVERY_S)
            try:
                async with asyncio.timeout(part_s):
                    return await self._over.wait()
            except TimeoutError:
                left_s -= part_s
                sign()
        return False


class Waiting:
    """The polls that wait at this node; each costs one entry in the hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiters: set[Waiter] = set()
        self._is_leaving = False

    def __len__(self) -> int:
        """Count the polls that wait."""
        return len(self._waiters)

    @contextmanager
    def following(self, key: Key, view: View, after: Position) -> Iterator[Waiter]:
        """Follow a document; read it after this begins, so that no change is missed."""
        waiter = Waiter(view, after)
        if self._is_leaving:
            waiter.release()
        self._waiters.add(waiter)
        self._hub.follow(key, waiter)
        try:
            yield waiter
        finally:
            self._hub.unfollow(key, waiter)
            self._waiters.discard(waiter)

    def release_all(self) -> None:
        """Let every poll be answered at once, from now on: this node is leaving."""
        self._is_leaving = True
        for waiter in tuple(self._waiters):
            waiter.release()


def read_wait_s(text: str | None) -> float:
    """Read how long a poll would wait, in seconds; not at all where it does not say.

    Raises:
        InvalidArgument: it is no number of seconds.
    """
    if text is None:
        return 0.0
    whole, _, part = text.partition(".")
    digits = whole + part
    if not (whole and digits.isascii() and digits.isdigit() and len(text) <= 12):
        raise InvalidArgument("wait is a number of seconds")
    return min(float(text), LONGEST_S)
