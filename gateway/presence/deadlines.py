"""When a room has something to do though nobody commands it."""

from __future__ import annotations

import heapq
import random
from collections import OrderedDict
from typing import Final

from gateway.loop.tasks import Tasks
from gateway.presence.pace import apart, forever, log_refused
from gateway.presence.ports import Rooms, Sleep
from room.commands import SystemExpire
from room.errors import RoomNotFound
from room.rules.system import IDLE_SESSION_MS
from room.snapshot import Edition, Stored
from store.port import Clock

STEP_S: Final = 0.5
JITTER_MS: Final = 500
"""Nodes come spread over this span, so that mostly one does the work."""
RETRY_MS: Final = 5_000
"""Until a room is tried again that could not be reached, or saw nothing to do yet."""
MAX_ROOMS: Final = 100_000
ROOMS_A_STEP: Final = 1_000
ROOMS_AT_ONCE: Final = 32


class Deadlines:
    """The next moment of each room at which ``system.expire`` has something to do.

    Bounded: beyond ``max_rooms`` the one goes that was set longest ago. A room that this node
    does not hold comes back with the edition that it is loaded as.
    """

    def __init__(
        self,
        rooms: Rooms,
        tasks: Tasks,
        *,
        clock_ms: Clock,
        rng: random.Random,
        sleep: Sleep,
        max_rooms: int = MAX_ROOMS,
    ) -> None:
        self._rooms = rooms
        self._tasks = tasks
        self._clock_ms = clock_ms
        self._rng = rng
        self._sleep = sleep
        self._max_rooms = max_rooms
        self._due_ms: OrderedDict[str, float] = OrderedDict()
        self._wanted_ms: dict[str, int] = {}
        self._heap: list[tuple[float, str]] = []

    def __len__(self) -> int:
        """Count the rooms that have a deadline."""
        return len(self._due_ms)

    def observe(self, edition: Edition, before: Edition | None) -> None:
        """Learn of a newer edition."""
        at_ms = next_moment_ms(edition.stored)
        if at_ms is None:
            self._forget(edition.room)
        elif self._wanted_ms.get(edition.room) != at_ms:
            self._set(edition.room, at_ms)

    async def run(self) -> None:
        """Expire what is due until cancelled."""
        await forever(self._tasks, self.step, lambda: STEP_S, self._sleep)

    async def step(self) -> None:
        """Expire what is due now; beyond ``ROOMS_A_STEP`` rooms the rest waits for the next."""
        works = (self._expire(room) for room in self._take_due())
        log_refused("rooms were not expired", await apart(self._tasks, works, ROOMS_AT_ONCE))

    def _take_due(self) -> list[str]:
        """Take the rooms whose time has come; each is due again after a while, unless told."""
        now_ms = self._clock_ms()
        due: list[str] = []
        while self._heap and self._heap[0][0] <= now_ms and len(due) < ROOMS_A_STEP:
            at_ms, room = heapq.heappop(self._heap)
            if self._due_ms.get(room) == at_ms:
                due.append(room)
        for room in due:
            self._put(room, now_ms + RETRY_MS)
        return due

    async def _expire(self, room: str) -> None:
        try:
            await self._rooms.apply(room, SystemExpire())
        except RoomNotFound:
            self._forget(room)

    def _set(self, room: str, at_ms: int) -> None:
        self._wanted_ms[room] = at_ms
        self._put(room, at_ms)
        if len(self._due_ms) > self._max_rooms:
            self._forget(next(iter(self._due_ms)))

    def _put(self, room: str, at_ms: int) -> None:
        due_ms = at_ms + self._rng.uniform(0, JITTER_MS)
        self._due_ms[room] = due_ms
        self._due_ms.move_to_end(room)
        heapq.heappush(self._heap, (due_ms, room))
        if len(self._heap) > 2 * len(self._due_ms) + 64:  # mostly entries that were replaced
            self._heap = [(when, name) for name, when in self._due_ms.items()]
            heapq.heapify(self._heap)

    def _forget(self, room: str) -> None:
        self._due_ms.pop(room, None)
        self._wanted_ms.pop(room, None)


def next_moment_ms(stored: Stored) -> int | None:
    """Give the wall clock at which a request runs out or an empty session ends; None: never."""
    moments = [item.expires_at_ms for item in stored.requests.items]
    session = stored.state.session
    if session is not None and session.empty_since_ms is not None:
        moments.append(session.empty_since_ms + IDLE_SESSION_MS)
    return min(moments, default=None)
