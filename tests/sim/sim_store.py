"""A store that is slow, fails, goes away and comes back with a higher epoch."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from room.documents import State
from room.errors import Unavailable
from room.position import Position
from room.snapshot import Edition, External, Published, Revision, Stored, StoredDocument
from store.leases import Lapse, LocalLeases, Seated
from store.memory import MemoryStore
from store.port import Clock, CommandKey, Consulted, Precondition, Write

T = TypeVar("T")


class Weather:
    """How the store fares now, as one node or all of them see it."""

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

    def mild(self, mean_s: float, hang_rate: float) -> None:
        """From now on it fails only while it is away, and where it hangs."""
        self.fail_rate = self.lost_reply_rate = 0.0
        self.hang_rate, self._mean_s = hang_rate, mean_s

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


class Commit(NamedTuple):
    """One commit: the room before it, and what was written."""

    before: Stored
    write: Write


class Disk(MemoryStore):
    """Rooms that outlive the stores in front of them.

    Args:
        clock: wall clock.
        committed: told of every commit.
    """

    def __init__(self, clock: Clock, committed: Callable[[Commit], None] = lambda _: None) -> None:
        super().__init__(clock)
        self._committed = committed
        self._log: dict[str, list[Commit]] = {}
        self._former: dict[tuple[str, str], StoredDocument] = {}
        self.lost: set[tuple[str, CommandKey]] = set()
        """Commands that were forgotten after they were accepted."""
        self.is_intact = True
        """Whether nothing was ever forgotten."""

    async def commit(self, base: Revision, write: Write) -> None:
        room = write.stored.room
        before = self._rooms.get(room)
        await super().commit(base, write)
        if before is not None:
            commit = Commit(before, write)
            self._log.setdefault(room, []).append(commit)
            self._committed(commit)

    async def put_document(
        self,
        room: str,
        doc: str,
        data: bytes,
        fingerprint: bytes,
        ts_ms: int,
        precondition: Precondition | None = None,
    ) -> tuple[StoredDocument, bool]:
        before = await self.read_document(room, doc)
        after, changed = await super().put_document(
            room, doc, data, fingerprint, ts_ms, precondition
        )
        if before is not None and changed:
            self._former[room, doc] = before
        return after, changed

    def raise_epoch(self, lost: int) -> None:
        """Come back with a higher epoch, and without the last ``lost`` commits of each room."""
        self._epoch = max(self._epoch + 1, self._clock())
        for room, held in tuple(self._rooms.items()):
            log = self._log.pop(room, [])
            gone = log[max(0, len(log) - lost) :] if lost else []
            self._forget(room, gone)
            old = gone[0].before if gone else held
            position = Position(self._epoch, old.position.version)
            self._rooms[room] = msgspec.structs.replace(old, position=position)
            for doc, document in self._documents.get(room, {}).items():
                self._documents[room][doc] = self._raised(document, lost)

    def _forget(self, room: str, gone: Sequence[Commit]) -> None:
        for _, write in gone:
            for ack in write.acks:
                del self._receipts[room, ack.key]
                self.lost.add((room, ack.key))
        self.is_intact = self.is_intact and not gone

    def _raised(self, document: StoredDocument, lost: int) -> StoredDocument:
        former = self._former.pop((document.room, document.doc), document)
        old = former if lost else document
        position = Position(self._epoch, old.position.version)
        return msgspec.structs.replace(old, position=position)

    def holds(self, room: str) -> bool:
        """Tell whether a room was ever created."""
        return room in self._rooms

    def keeps(self, room: str, key: CommandKey) -> bool:
        """Tell whether the ack of a command is kept."""
        return (room, key) in self._receipts

    def final(self, room: str) -> Stored:
        """Tell where a room stands."""
        return self._rooms[room]

    def document(self, room: str, doc: str) -> Published | None:
        """Tell where one document stands; None: nobody has set it."""
        if not doc.startswith("x-"):
            return Edition(self._rooms[room]).document(doc)
        stored = self._documents.get(room, {}).get(doc)
        return None if stored is None else External(stored)


class Behind:
    """Something of the store, as one node reaches it through the weather."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self.closed = False
        self.writes = 0
        """Under way."""

    async def _call(self, operation: Callable[[], Awaitable[T]]) -> T:
        await self._weather.request()
        self._check_open()
        result = await operation()
        await self._weather.transit()
        return result

    async def _write(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        self.writes += 1
        try:
            await self._weather.request()
            self._check_open()
            result = await operation()
            await self._weather.reply()
        finally:
            self.writes -= 1
        return result

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable("closed")


class FlakyStore(Behind):
    """The store as one node sees it: a disk behind bad weather, until it is closed."""

    def __init__(self, disk: Disk, weather: Weather) -> None:
        super().__init__(weather)
        self._disk = disk

    async def read(self, room: str) -> Stored | None:
        return await self._call(lambda: self._disk.read(room))

    async def consult(self, room: str, keys: Sequence[CommandKey]) -> Consulted:
        return await self._call(lambda: self._disk.consult(room, keys))

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        created: tuple[Stored, bool] = await self._write(
            lambda: self._disk.create(room, state, ts_ms)
        )
        return created

    async def commit(self, base: Revision, write: Write) -> None:
        await self._write(lambda: self._disk.commit(base, write))

    async def read_document(self, room: str, doc: str) -> StoredDocument | None:
        return await self._call(lambda: self._disk.read_document(room, doc))

    async def put_document(
        self,
        room: str,
        doc: str,
        data: bytes,
        fingerprint: bytes,
        ts_ms: int,
        precondition: Precondition | None = None,
    ) -> tuple[StoredDocument, bool]:
        put: tuple[StoredDocument, bool] = await self._write(
            lambda: self._disk.put_document(room, doc, data, fingerprint, ts_ms, precondition)
        )
        return put

    async def close(self) -> None:
        """From now on nothing of this node reaches the disk."""
        self.closed = True


class FlakyLeases(Behind):
    """The leases that all nodes share, as one of them reaches them."""

    def __init__(self, leases: LocalLeases, weather: Weather) -> None:
        super().__init__(weather)
        self._leases = leases

    async def renew(self, present: Sequence[Seated], lease_ms: int) -> None:
        await self._write(lambda: self._leases.renew(present, lease_ms))

    async def ensure(self, seated: Sequence[Seated], lease_ms: int) -> None:
        await self._write(lambda: self._leases.ensure(seated, lease_ms))

    async def stop(self, gone: Sequence[Seated]) -> None:
        await self._write(lambda: self._leases.stop(gone))

    async def lapsed(self, limit: int = 1000) -> list[Lapse]:
        return await self._call(lambda: self._leases.lapsed(limit))

    async def claim(self, user_id: str, room: str, lease_ms: int) -> str | None:
        other: str | None = await self._write(lambda: self._leases.claim(user_id, room, lease_ms))
        return other

    async def release(self, user_id: str, room: str) -> None:
        await self._write(lambda: self._leases.release(user_id, room))
