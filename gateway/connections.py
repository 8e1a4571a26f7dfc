"""The open push connections of this node, and how they are sent home."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from gateway.push.mailbox import Mailbox
from room.messages import Bye


class Connections:
    """Every open push connection: its mailbox, and how to cut it off."""

    def __init__(self) -> None:
        self._open: dict[Mailbox, Callable[[], None]] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.draining = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, mailbox: Mailbox, abort: Callable[[], None]) -> None:
        """Keep track of a connection."""
        self._open[mailbox] = abort
        self._empty.clear()

    def remove(self, mailbox: Mailbox) -> None:
        """A connection has ended."""
        self._open.pop(mailbox, None)
        if not self._open:
            self._empty.set()

    async def drain(self, within_s: float, spread_ms: tuple[int, int], rng: random.Random) -> None:
        """Say goodbye to everybody, each with another time to come back; then cut off the rest."""
        self.draining = True
        for mailbox in tuple(self._open):
            mailbox.say_bye(Bye(code=4000, reason="drain", retry_after_ms=rng.randint(*spread_ms)))
        try:
            async with asyncio.timeout(within_s):
                await self._empty.wait()
        except TimeoutError:
            for abort in tuple(self._open.values()):
                abort()
