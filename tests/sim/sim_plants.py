"""The real parts of one node with one planted bug each: what the simulator has to find."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, NamedTuple

import msgspec
from sim_node import Parts

from gateway.commits.committer import Committer
from gateway.commits.workings import Creation, Pending
from poller import Found, Freshness, Poller
from poller.cache import Cache, Cached
from poller.flight import SingleFlight
from room.errors import Unavailable
from room.position import Position
from room.reconcile import Held, Reconciler, Verdict
from room.snapshot import Edition
from room.views import View


class CacheOfTheLast(Cache[Edition]):
    """Holds what came last, not what is newest."""

    def put(self, edition: Edition) -> Edition:
        self._missing.pop(edition.key, None)
        self._held[edition.key] = Cached(edition, self._clock_s())
        return edition


class OldOverNew(Poller[Edition]):
    """An older edition overwrites a newer one."""

    def __init__(self, *args: Any, max_held: int, **options: Any) -> None:
        super().__init__(*args, max_held=max_held, **options)
        self._cache = CacheOfTheLast(self._clock_s, max_held, 100)

    def put(self, edition: Edition) -> Edition:
        self._meanwhile.pop(edition.key, None)
        return super().put(edition)


class LeaderOwnsFlight(Poller[Edition]):
    """Whoever started a read takes it down when they leave."""

    async def _fetch(self, key: Any) -> Found[Edition]:
        flight, joined = self._flights.start(key, lambda: self._load(key))
        edition = await flight
        return Found(edition, Freshness.COLLAPSED if joined else Freshness.MISS, 0.0)


class EveryoneFlies(SingleFlight[Any, Edition]):
    """Never joins."""

    def start(self, key: Any, read: Any) -> tuple[asyncio.Task[Edition], bool]:
        return self._spawn(read()), False


class ReadsForEveryone(Poller[Edition]):
    """Every caller that misses asks the store."""

    def __init__(self, *args: Any, spawn: Any, **options: Any) -> None:
        super().__init__(*args, spawn=spawn, **options)
        self._flights = EveryoneFlies(spawn)


class NeverHoldsOff(Poller[Edition]):
    """Asks a store that is away again and again."""

    @property
    def _holds_off(self) -> bool:
        return False


class VersionAlone(Reconciler):
    """Takes the higher version, whatever the epoch."""

    def offer(
        self, doc: str, position: Position, view: View, channel: Any, *, signed: bool = False
    ) -> Verdict:
        held = self._held.get(doc)
        if held is not None and position.version <= held.position.version:
            return Verdict.STALE
        self._held[doc] = Held(position, view)
        return Verdict.APPLIED


class PushesFirst(Poller[Edition]):
    """Pushes, and replaces what polls are answered with a moment later."""

    def put(self, edition: Edition) -> Edition:
        held = self._cache.get(edition.key)
        self._announce(edition, None if held is None else held.edition)
        asyncio.get_running_loop().call_soon(super().put, edition)
        return edition


class BatchOfItsSender:
    """The committer's tasks; the batch begun last can be stopped."""

    def __init__(self, tasks: Any) -> None:
        self._tasks = tasks
        self.last: asyncio.Task[Any] | None = None

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = self._tasks.spawn(work)
        self.last = task
        return task


class DiesWithItsSender(Committer):
    """A sender that goes away takes its batch along."""

    def __init__(self, store: Any, poller: Any, tasks: Any, **options: Any) -> None:
        super().__init__(store, poller, BatchOfItsSender(tasks), **options)  # type: ignore[arg-type]

    def submit(self, room: str, pending: Pending | Creation) -> None:
        super().submit(room, pending)
        batch: Any = self._tasks
        task = batch.last
        pending.future.add_done_callback(lambda future: future.cancelled() and task.cancel())


class CreatesQuietly(Committer):
    """Leaves the poller believing that there is no such room."""

    async def _create(self, room: str, creation: Creation) -> None:
        try:
            creation.succeed(await self._store.create(room, creation.state, self._clock_ms()))
        except Unavailable as error:
            creation.fail(error)


class StampsTwice(Poller[Edition]):
    """Serves another commit time than the store holds."""

    def put(self, edition: Edition) -> Edition:
        stored = edition.stored
        return super().put(Edition(msgspec.structs.replace(stored, ts_ms=stored.ts_ms + 1)))


class Plant(NamedTuple):
    """A bug, and what finding it takes."""

    parts: Parts
    rules: frozenset[str]
    """Any of these is broken first."""
    within: int
    """Seeds, counted from 0, among which one shows it."""


ACKED: Final = "a poll after an ack shows it"
ENDS: Final = "every reader ends at the final position"
ROLLS_BACK: Final = "no reader shows an older position after a newer"


def plant(within: int, *rules: str, **parts: Any) -> Plant:
    """Describe one planted bug."""
    return Plant(Parts(**parts), frozenset(rules), within)


PUSHED: Final = "memory before push"
LEVEL: Final = "an idle connection was sent what was acked"
UNHURT: Final = "nobody is cancelled for another"

PLANTS: Final[dict[str, Plant]] = {
    "older edition overwrites a newer one": plant(500, ACKED, PUSHED, ENDS, poller=OldOverNew),
    "cancelled leader kills its followers": plant(100, UNHURT, poller=LeaderOwnsFlight),
    "no single flight": plant(20, "one read under way per room", poller=ReadsForEveryone),
    "no hold-off": plant(100, "reads stay within one per time to live", poller=NeverHoldsOff),
    "reconciler ignores the epoch": plant(50, ROLLS_BACK, ENDS, reconciler=VersionAlone),
    "push before memory": plant(50, PUSHED, ACKED, poller=PushesFirst),
    "cancelled sender stops its batch": plant(
        1000, ENDS, ACKED, LEVEL, UNHURT, committer=DiesWithItsSender
    ),
    "cached 404 survives creation": plant(
        100, "a created room is found", ACKED, committer=CreatesQuietly
    ),
    "two bodies at one position": plant(
        50, "one position names one body per view", poller=StampsTwice
    ),
}
