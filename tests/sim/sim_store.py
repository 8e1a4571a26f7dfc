"""A store that is slow, fails, goes away and comes back with a higher epoch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from room.documents import State
from room.errors import Unavailable
from room.position import Position
from room.snapshot import Stored
from store.memory import MemoryStore
from store.port import Clock, CommandKey, Committed, Receipt, Write

T = TypeVar("T")


class Weather:
    """How the store fares now; the same for every store of one world."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.fail_rate = rng.choice((0.0, 0.05, 0.3))
        self.hang_rate = rng.choice((0.0, 0.0, 0.05))
        self.lost_reply_rate = 0.0
        self._mean_s = rng.choice((0.001, 0.05, 0.5))
        self.away = False

    def calm(self) -> None:
        """From now on every request is answered, soon."""
        self.fail_rate = self.hang_rate = self.lost_reply_rate = 0.0
        self._mean_s, self.away = 0.01, False

    async def transit(self) -> None:
        """Take a request or a reply to the other side."""
        chance = self._rng.random()
        if chance < 0.3:
            await asyncio.sleep(0)
        elif chance < 0.8:
            await asyncio.sleep(self._rng.expovariate(1 / self._mean_s))
        elif chance < 0.9:
            await asyncio.sleep(min(1.9, self._rng.expovariate(0.1 / self._mean_s)))

    async def request(self) -> None:
        """Carry a request to the store.

        Raises:
            Unavailable: it did not get there.
        """
        await self.transit()
        if self._rng.random() < self.hang_rate:
            await asyncio.sleep(self._rng.uniform(2.5, 5.0))
            raise Unavailable("time-out")
        if self.away or self._rng.random() < self.fail_rate:
            raise Unavailable("away")

    async def reply(self) -> None:
        """Carry a reply of a write back.

        Raises:
            Unavailable: it was lost, and the sender can't know.
        """
        await self.transit()
        if self._rng.random() < self.lost_reply_rate:
            raise Unavailable("the reply was lost")


class Disk(MemoryStore):
    """Rooms that outlive the store in front of them."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._history: dict[str, list[Stored]] = {}

    async def commit(self, room: str, base: Position, write: Write) -> Committed:
        before = self._rooms.get(room)
        committed = await super().commit(room, base, write)
        if before is not None and committed.stored is not before:
            self._history.setdefault(room, []).append(before)
        return committed

    def raise_epoch(self, lost: int) -> None:
        """Come back with a higher epoch, and without the last ``lost`` changes of each room."""
        self._epoch = max(self._epoch + 1, self._clock())
        for room, held in tuple(self._rooms.items()):
            kept = [*self._history.pop(room, ()), held]
            old = kept[max(0, len(kept) - 1 - lost)]
            position = Position(self._epoch, old.position.version)
            self._rooms[room] = Stored(room, old.state, position, old.ts_ms)
            for key, (_, receipt) in tuple(self._receipts.items()):
                if key[0] == room and (receipt.position or old.position) > old.position:
                    del self._receipts[key]

    def holds(self, room: str) -> bool:
        """Tell whether a room was ever created."""
        return room in self._rooms

    def final(self, room: str) -> Stored:
        """Tell where a room stands."""
        return self._rooms[room]


class FlakyStore:
    """The store as one node sees it: a disk behind bad weather, until it is closed."""

    def __init__(self, disk: Disk, weather: Weather) -> None:
        self._disk = disk
        self._weather = weather
        self._closed = False

    async def read(self, room: str) -> Stored | None:
        return await self._call(lambda: self._disk.read(room))

    async def recall(self, room: str, key: CommandKey) -> Receipt | None:
        return await self._call(lambda: self._disk.recall(room, key))

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        return await self._write(lambda: self._disk.create(room, state, ts_ms))

    async def commit(self, room: str, base: Position, write: Write) -> Committed:
        return await self._write(lambda: self._disk.commit(room, base, write))

    async def close(self) -> None:
        """From now on nothing of this node reaches the disk."""
        self._closed = True

    async def _call(self, operation: Callable[[], Awaitable[T]]) -> T:
        await self._weather.request()
        self._check_open()
        result = await operation()
        await self._weather.transit()
        return result

    async def _write(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        await self._weather.request()
        self._check_open()
        result = await operation()
        await self._weather.reply()
        return result

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("closed")
