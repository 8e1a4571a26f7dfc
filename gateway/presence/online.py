"""How many are connected to a room, on all nodes together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from gateway.loop.tasks import Tasks
from gateway.presence.pace import forever
from gateway.presence.ports import Audience, Sleep
from room import wire
from room.messages import Online
from store.bus import Bus

STEP_S: Final = 5.0
SLOT: Final = "online"
ROOMS_AT_ONCE: Final = 500
"""Rooms counted, or told, before others of the loop have their turn."""


class OnlineCounter:
    """Reports what is connected here, and tells rooms whose total has changed, or who came.

    A room is told once a step at most, and so is each connection. Bounded by the rooms that have
    connections here.
    """

    def __init__(
        self, bus: Bus, audience: Audience, tasks: Tasks, *, node: str, sleep: Sleep
    ) -> None:
        self._bus = bus
        self._audience = audience
        self._tasks = tasks
        self._node = node
        self._sleep = sleep
        self._told: dict[str, int] = {}
        self._reported: frozenset[str] = frozenset()
        self._due: set[str] = set()
        """Rooms that somebody has entered since they were told."""

    async def run(self) -> None:
        """Count until cancelled."""
        await forever(self._tasks, self.step, lambda: STEP_S, self._sleep)

    async def step(self) -> None:
        """Report every room with connections, and once more a room that has none any longer.

        Raises:
            Unavailable: the store does not answer; nobody is told anything.
        """
        here = await self._count()
        emptied = dict.fromkeys(self._reported - here.keys(), 0)
        if not here and not emptied:
            return
        self._reported |= here.keys()  # an answer that is lost may have been counted
        totals = await self._bus.count(self._node, {**here, **emptied})
        self._reported = frozenset(here)
        for room in self._told.keys() - here.keys():
            del self._told[room]
        self._due &= here.keys()
        await self._tell((room, totals[room]) for room in here if room in totals)

    def came(self, room: str) -> None:
        """Somebody has entered: the next step tells the room, though its total be the same."""
        self._due.add(room)

    async def _count(self) -> dict[str, int]:
        """Count the connections of each room that has any."""
        here = {}
        for number, room in enumerate(tuple(self._audience.rooms()), 1):
            if number % ROOMS_AT_ONCE == 0:
                await asyncio.sleep(0)
            count = self._audience.count(room)
            if count:  # else the last one has left meanwhile
                here[room] = count
        return here

    async def _tell(self, totals: Iterable[tuple[str, int]]) -> None:
        for number, (room, count) in enumerate(totals, 1):
            if number % ROOMS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if self._told.get(room) == count and room not in self._due:
                continue
            self._due.discard(room)
            self._told[room] = count
            self._audience.say(room, SLOT, _message(room, count))


def _message(room: str, count: int) -> bytes:
    return wire.encode(Online(room=room, count=count))
