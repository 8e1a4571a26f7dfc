"""Rooms that push does not bring: each is polled at the pace that the gateway sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

import aiohttp

from seatsync.backoff import retry_delay_ms
from seatsync.errors import SourceEnded
from seatsync.feed.rooms import Rooms
from seatsync.sources.poll import LONGEST_INTERVAL_MS, PollSource
from seatsync.sources.source import Arrival, Signal

MAX_POLLS_AT_ONCE: Final = 16
"""Connections of the session that polls share; the others wait for one."""


class RoomPolls:
    """One task for each room that is polled.

    Args:
        rooms: take what comes.
        clock_s: monotonic.
        draw: gives a random number in 0..1 for each wait.
        first_within_s: the first polls of many rooms are spread over this time.
    """

    def __init__(
        self,
        rooms: Rooms,
        clock_s: Callable[[], float],
        draw: Callable[[], float],
        first_within_s: float,
    ) -> None:
        self._rooms: Final = rooms
        self._clock_s: Final = clock_s
        self._draw: Final = draw
        self._first_within_s: Final = first_within_s
        self._owner: asyncio.TaskGroup | None = None
        self._session: aiohttp.ClientSession | None = None
        self._running: Final[dict[str, asyncio.Task[None]]] = {}
        self._answered_at_s: float | None = None
        self.answered = 0
        self.failed = 0

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, room: str) -> bool:
        return room in self._running

    @property
    def works(self) -> bool:
        """Whether rooms are polled, and one was answered not too long ago."""
        if not self._running or self._answered_at_s is None:
            return False
        return self._clock_s() - self._answered_at_s < LONGEST_INTERVAL_MS / 1000

    def open(self, owner: asyncio.TaskGroup, session: aiohttp.ClientSession) -> None:
        """Say who owns the tasks and what they connect by; before that nothing is polled."""
        self._owner, self._session = owner, session

    def close(self) -> None:
        """Poll nothing any more; the tasks end with their owner."""
        for task in self._running.values():
            task.cancel()
        self._running.clear()
        self._owner = self._session = None

    def start(self, room: str) -> None:
        """Poll a room, unless it is polled already."""
        if self._owner is None or self._session is None or room in self._running:
            return
        source = PollSource(self._session, self._rooms[room].access, self._draw)
        polling = self._poll(room, source, self._draw() * self._first_within_s)
        self._running[room] = self._owner.create_task(polling, name=f"feed poll {room}")

    def stop(self, room: str) -> None:
        """Poll a room no more."""
        task = self._running.pop(room, None)
        if task is not None:
            task.cancel()

    async def _poll(self, room: str, source: PollSource, first_s: float) -> None:
        await asyncio.sleep(first_s)
        failures = 0
        while True:
            ended = SourceEnded("the polls ended")
            try:
                async with aclosing(source.arrivals()) as signals:
                    async for signal in signals:
                        failures = 0
                        self._take(room, signal)
            except SourceEnded as error:
                ended = error
            self.failed += 1
            self._rooms.refused(room, ended)
            delay_ms = retry_delay_ms(ended.retry_after_ms, failures, self._draw())
            failures += 1
            await asyncio.sleep(delay_ms / 1000)

    def _take(self, room: str, signal: Signal) -> None:
        self.answered += 1
        self._answered_at_s = self._clock_s()
        if isinstance(signal, Arrival):
            self._rooms.take(signal)
        self._rooms.confirmed(room, self._answered_at_s)
