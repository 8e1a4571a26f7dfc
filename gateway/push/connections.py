"""The open push connections of this node, and how they are sent home."""

from __future__ import annotations

import asyncio
import random
from typing import Final, Protocol

from gateway.push.mailbox import Mailbox
from room.messages import Bye

STEPS: Final = 50
"""In how many steps the leavers are sent home, spread over the time there is for it."""
BYES_AT_ONCE: Final = 250
"""Goodbyes said before others of the loop have their turn."""
LEAVING_PART: Final = 0.5
"""Of the time that a drain may take; the rest is for the last ones to go."""


class Leaver(Protocol):
    """A push connection, as it is sent home."""

    @property
    def mailbox(self) -> Mailbox:
        """Where the goodbye goes."""
        ...

    def abort(self) -> None:
        """Cut it off without waiting."""
        ...


class Connections:
    """Every open push connection."""

    def __init__(self) -> None:
        self._open: dict[Leaver, None] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.draining = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Leaver) -> None:
        """Keep track of a connection."""
        self._open[connection] = None
        self._empty.clear()

    def remove(self, connection: Leaver) -> None:
        """A connection has ended; unknown ones are fine."""
        self._open.pop(connection, None)
        if not self._open:
            self._empty.set()

    async def drain(self, within_s: float, spread_ms: tuple[int, int], rng: random.Random) -> None:
        """Say goodbye to everybody, spread over the time there is; then cut off the rest.

        Args:
            within_s: how long it may take.
            spread_ms: when they are to come back, each at another time of this span.
            rng: spreads.
        """
        self.draining = True
        try:
            async with asyncio.timeout(within_s):
                await self._say_goodbye(within_s * LEAVING_PART, spread_ms, rng)
                await self._empty.wait()
        except TimeoutError:
            for connection in tuple(self._open):
                connection.abort()

    async def _say_goodbye(
        self, over_s: float, spread_ms: tuple[int, int], rng: random.Random
    ) -> None:
        """Begin with the first who came, at once; so they come back elsewhere one by one too."""
        leavers = tuple(self._open)
        at_once = -(-len(leavers) // STEPS)
        for first in range(0, len(leavers), at_once or 1):
            if not self._open:
                return
            for number, connection in enumerate(leavers[first : first + at_once], 1):
                if number % BYES_AT_ONCE == 0:
                    await asyncio.sleep(0)
                retry_ms = rng.randint(*spread_ms)
                connection.mailbox.say_bye(Bye(code=4000, reason="drain", retry_after_ms=retry_ms))
            if first + at_once < len(leavers):
                await asyncio.sleep(over_s * at_once / len(leavers))
