"""Polls that wait for something newer, each an entry of hub and wheel (PROTOCOL.md 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gateway.push.hub import Hub
from gateway.push.mailbox import Key
from room.errors import InvalidArgument
from room.position import Position
from room.snapshot import Snapshot
from room.views import View

if TYPE_CHECKING:
    from gateway.loop.wheel import Wheel

LONGEST_S: Final = 25.0
SIGN_EVERY_S: Final = 5.0
"""A poll that waits is a sign of life all the time: the longest outlasts a lease."""
RELEASED_AT_ONCE: Final = 256
"""Polls of a leaving node that are answered before others have their turn."""

Ended = Callable[[Snapshot | None], None]
"""Told once how a wait ended: with something newer, or with nothing."""


class Waiter:
    """A poll that follows a document until it is past a position."""

    __slots__ = (
        "_after",
        "_ended",
        "_key",
        "_left_s",
        "_part_s",
        "_sign",
        "_waiting",
        "view",
        "wheel_slot",
    )

    def __init__(
        self,
        waiting: Waiting,
        key: Key,
        view: View,
        after: Position,
        ended: Ended,
        sign: Callable[[], None] | None,
    ) -> None:
        self.view: Final[View] = view
        self.wheel_slot = -1
        self._waiting = waiting
        self._key = key
        self._after = after
        self._ended = ended
        self._sign = sign
        self._left_s = self._part_s = 0.0

    def offer(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; a newer one ends the wait."""
        return snapshot.position > self._after and self._end(snapshot)

    def due(self) -> None:
        """A part of the wait is over: give a sign of life, or end it with nothing."""
        self._left_s -= self._part_s
        if self._left_s <= 0:
            self._end(None)
            return
        if self._sign is not None:
            self._sign()
        self._rest()

    def release(self) -> None:
        """End the wait though there is nothing newer."""
        self._end(None)

    def leave(self) -> None:
        """Stop waiting without an answer: who asked is gone, or is answered in another way."""
        self._waiting.forget(self, self._key)

    def begin(self, within_s: float) -> None:
        """Set the end of the wait, and the signs before it."""
        self._left_s = within_s
        self._rest()

    def _rest(self) -> None:
        self._part_s = self._left_s if self._sign is None else min(self._left_s, SIGN_EVERY_S)
        self._waiting.wheel.set(self, self._part_s)

    def _end(self, snapshot: Snapshot | None) -> bool:
        """End it unless it ended before: a sweep may still have it on its list."""
        if not self._waiting.forget(self, self._key):
            return False
        self._ended(snapshot)
        return True


class Waiting:
    """The polls that wait at this node; each costs one entry in the hub, and no task."""

    def __init__(self, hub: Hub, wheel: Wheel) -> None:
        self.wheel: Final = wheel
        self._hub = hub
        self._waiters: dict[Waiter, None] = {}
        self.is_leaving = False
        """Whether every poll is answered at once."""

    def __len__(self) -> int:
        """Count the polls that wait."""
        return len(self._waiters)

    def follow(
        self,
        key: Key,
        view: View,
        after: Position,
        ended: Ended,
        sign: Callable[[], None] | None = None,
    ) -> Waiter:
        """Follow a document; read it after this, so that no change is missed, then ``begin``.

        Args:
            key: what to follow.
            view: what the caller sees.
            after: where the caller stands.
            ended: told once, from a sweep, the wheel or ``release_all``.
            sign: called every ``SIGN_EVERY_S`` of the wait.
        """
        waiter = Waiter(self, key, view, after, ended, sign)
        self._waiters[waiter] = None
        self._hub.follow(key, waiter)
        return waiter

    def forget(self, waiter: Waiter, key: Key) -> bool:
        """Let go of a poll, and tell whether it waited until now."""
        if waiter not in self._waiters:
            return False
        del self._waiters[waiter]
        self._hub.unfollow(key, waiter)
        self.wheel.clear(waiter)
        return True

    def release_all(self) -> None:
        """Let every poll be answered at once, from now on: this node is leaving."""
        self.is_leaving = True
        for waiter in list(self._waiters)[:RELEASED_AT_ONCE]:
            waiter.release()
        if self._waiters:
            asyncio.get_running_loop().call_soon(self.release_all)


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
