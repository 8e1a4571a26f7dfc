"""The memory twin: the port's promises without durability, for tests and trials."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from room.documents import State
from room.errors import RoomNotFound
from room.position import Position
from room.snapshot import Stored
from store.port import (
    KEEP_ACKS_MS,
    AlreadyKept,
    BaseMoved,
    Clock,
    CommandKey,
    Committed,
    Receipt,
    Write,
)


class MemoryStore:
    """Rooms in this process; a restart is a new epoch with no rooms.

    No method awaits between reading and writing, so each is atomic on its loop.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._epoch = clock()
        self._rooms: dict[str, Stored] = {}
        self._receipts: OrderedDict[tuple[str, CommandKey], tuple[int, Receipt]] = OrderedDict()

    async def read(self, room: str) -> Stored | None:
        """Give a room, or None."""
        return self._rooms.get(room)

    async def recall(self, room: str, key: CommandKey) -> Receipt | None:
        """Find the ack of an accepted command."""
        self._forget_old()
        kept = self._receipts.get((room, key))
        return None if kept is None else kept[1]

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        """Commit version 1 of a room, unless it is there."""
        held = self._rooms.get(room)
        if held is not None:
            return held, False
        stored = Stored(room, state, Position(self._epoch, 1), ts_ms)
        self._rooms[room] = stored
        return stored, True

    async def commit(self, room: str, base: Position, write: Write) -> Committed:
        """Commit a command that was computed from ``base``."""
        kept = await self.recall(room, write.key)
        if kept is not None:
            raise AlreadyKept(kept)
        held = self._rooms.get(room)
        if held is None:
            raise RoomNotFound(room)
        if held.position != base:
            raise BaseMoved("the room has changed meanwhile", position=held.position)
        if write.state is not None:
            position = Position(base.epoch, base.version + 1)
            held = Stored(room, write.state, position, write.ts_ms)
            self._rooms[room] = held
        receipt = msgspec.structs.replace(write.receipt, position=held.position)
        self._receipts[room, write.key] = (self._clock(), receipt)
        return Committed(held, receipt)

    async def close(self) -> None:
        """Nothing to let go of."""

    def _forget_old(self) -> None:
        """Drop acks past their time; they stand in the order in which they came."""
        limit = self._clock() - KEEP_ACKS_MS
        while self._receipts:
            oldest = next(iter(self._receipts))
            if self._receipts[oldest][0] >= limit:
                return
            del self._receipts[oldest]
