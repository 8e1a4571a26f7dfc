"""Commands of one room, carried out in batches: computed one after the other, committed at once.

While a batch is on its way to the store, what comes in waits and becomes the next one. So a room
costs the store one write a round trip however many command it, and a command never races against
another of its own node; other nodes are met by compare-and-set.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from gateway.commits.workings import Creation, Pending, Working
from gateway.loop.tasks import Tasks
from poller import Poller
from room.errors import Refused, RoomNotFound, SeatsyncError, Unavailable
from room.snapshot import Edition
from store.port import AlreadyKept, BaseMoved, Clock, Consulted, Store, Write

log = logging.getLogger(__name__)

RETRY_FOR_MS: Final = 1000
"""How long a command is computed anew while other nodes are faster, before its sender must."""
LARGEST_BATCH: Final = 128
MOST_WAITING: Final = 4096
"""Commands that wait for one room; one more is refused at once."""
OVERLOADED_FOR_MS: Final = 1000


class Seating(Protocol):
    """What goes with taking a seat and leaving it, outside the documents."""

    async def claim(self, room: str, user_id: str) -> None:
        """Let a user's seat begin.

        Raises:
            Refused: ``IN_OTHER_ROOM``.
            Unavailable: the store does not answer.
        """
        ...

    async def unclaim(self, room: str, user_id: str) -> None:
        """Take a claim back: the seat did not come about, or is over."""
        ...


class Committer:
    """The one way in which a room changes.

    Args:
        store: where rooms live.
        poller: what this node holds of them; learns of each commit before it is answered.
        tasks: owns the batches under way.
        seating: leases and claims.
        clock_ms: wall clock.
        new_id: gives a fresh random id.
        committed: told of each room that was committed here, after this node holds it.
    """

    def __init__(
        self,
        store: Store,
        poller: Poller[Edition],
        tasks: Tasks,
        *,
        seating: Seating,
        clock_ms: Clock,
        new_id: Callable[[], str],
        committed: Callable[[str], None],
    ) -> None:
        self._store = store
        self._poller = poller
        self._tasks = tasks
        self._seating = seating
        self._clock_ms = clock_ms
        self._new_id = new_id
        self._committed = committed
        self._waiting: dict[str, deque[Pending | Creation]] = {}

    def __len__(self) -> int:
        """Count the rooms with a batch under way."""
        return len(self._waiting)

    def submit(self, room: str, pending: Pending | Creation) -> None:
        """Take a command; its future is answered when its effect is durable and held here.

        Whoever waits may go away: the command is carried out all the same. One that finds
        ``MOST_WAITING`` before it is refused with ``OVERLOADED``.
        """
        queue = self._waiting.get(room)
        if queue is not None and len(queue) >= MOST_WAITING:
            pending.fail(_overloaded())
            return
        if queue is not None:
            queue.append(pending)
            return
        self._waiting[room] = deque((pending,))
        self._tasks.spawn(self._serve(room))

    async def _serve(self, room: str) -> None:
        """Carry out what waits, batch after batch, until nothing does."""
        queue = self._waiting[room]
        try:
            while queue:
                first = queue[0]
                if isinstance(first, Creation):
                    queue.popleft()
                    await self._create(room, first)
                    continue
                batch = _next_batch(queue)
                try:
                    await self._carry_out(room, batch)
                except BaseException as error:
                    _fail_all(batch, error)
                    raise
        finally:
            del self._waiting[room]
            if queue:
                self._waiting[room] = queue
                self._tasks.spawn(self._serve(room))

    async def _create(self, room: str, creation: Creation) -> None:
        """Create a room in its turn: a late reply must not be held after a later commit."""
        try:
            stored, created = await self._store.create(room, creation.state, self._clock_ms())
        except BaseException as error:
            creation.fail(error)
            if isinstance(error, SeatsyncError):
                return
            raise
        self._poller.put(Edition(stored))
        if created:
            self._committed(room)
        creation.succeed((stored, created))

    async def _carry_out(self, room: str, batch: list[Pending]) -> None:
        """Compute and commit until every command of the batch is answered.

        The first attempt starts from what this node holds. Only the store can say that a command
        is refused, so a refusal is computed again from what it gives.
        """
        give_up_at_ms = self._clock_ms() + RETRY_FOR_MS
        held = self._poller.held(room)
        known = None if held is None else Consulted(held.stored, {})
        is_fresh = False
        claimed: set[str] = set()
        while True:
            try:
                if known is None:
                    known, is_fresh = await self._consult(room, batch), True
                working = await self._compute(known, batch, claimed)
                if not is_fresh and working.has_refusals:
                    known = None
                    continue
                await self._commit(working)
            except (BaseMoved, AlreadyKept) as moved:
                if self._clock_ms() >= give_up_at_ms:
                    error = moved if isinstance(moved, BaseMoved) else BaseMoved("try again")
                    await self._let_go(room, claimed)
                    return _fail_all(batch, error)
                known = None
            except RoomNotFound as error:
                await self._let_go(room, claimed)
                return _fail_all(batch, error)
            except Unavailable as error:
                return _fail_all(batch, error)  # it may have been committed: claims run out alone
            else:
                await self._let_go(room, claimed | working.left)
                return working.answer()

    async def _consult(self, room: str, batch: list[Pending]) -> Consulted:
        consulted = await self._store.consult(
            room, [pending.key for pending in batch if pending.key is not None]
        )
        if consulted.stored is None:
            raise RoomNotFound(room)
        self._poller.put(Edition(consulted.stored))  # what a first ack speaks of is held here
        return consulted

    async def _compute(self, known: Consulted, batch: list[Pending], claimed: set[str]) -> Working:
        """Work a batch out, and claim the seats that it gives; those who sit elsewhere get none."""
        if known.stored is None:
            raise AssertionError("a room that is not there was not consulted")
        denied: dict[str, Refused] = {}
        while True:
            working = Working(known.stored, known.receipts, self._clock_ms, self._new_id)
            wanted = working.add_all(batch, denied) - claimed
            refused = await self._claim(working.room, sorted(wanted), claimed)
            if not refused:
                return working
            denied |= refused

    async def _claim(
        self, room: str, user_ids: Sequence[str], claimed: set[str]
    ) -> dict[str, Refused]:
        """Claim seats all together, and give the refusals."""
        if not user_ids:
            return {}
        outcomes = await asyncio.gather(
            *(self._seating.claim(room, user_id) for user_id in user_ids), return_exceptions=True
        )
        refused: dict[str, Refused] = {}
        for user_id, outcome in zip(user_ids, outcomes, strict=True):
            if isinstance(outcome, Refused):
                refused[user_id] = outcome
            elif outcome is not None:
                raise outcome
            else:
                claimed.add(user_id)
        return refused

    async def _commit(self, working: Working) -> None:
        if not working.has_effect:
            return
        base = working.base.revision
        await self._store.commit(base, Write(working.stored, tuple(working.acks)))
        if working.stored is not working.base:
            self._poller.put(Edition(working.stored))
            self._committed(working.room)

    async def _let_go(self, room: str, user_ids: Iterable[str]) -> None:
        """End what goes with the seats of those who, as far as is known by now, have none.

        All together: one after the other a store that is silent would hold the room back once for
        each of them.
        """
        held = self._poller.held(room)
        seated = frozenset[str]() if held is None else held.seated_users
        gone = [user_id for user_id in user_ids if user_id not in seated]
        if gone:
            await asyncio.gather(*(self._seating.unclaim(room, user_id) for user_id in gone))


def _next_batch(queue: deque[Pending | Creation]) -> list[Pending]:
    """Take the commands that wait; a key that comes twice waits for the first one's answer."""
    batch: list[Pending] = []
    keys = set()
    while queue and len(batch) < LARGEST_BATCH:
        pending = queue[0]
        if isinstance(pending, Creation):
            break
        if pending.key is not None and pending.key in keys:
            break
        queue.popleft()
        keys.add(pending.key)
        batch.append(pending)
    return batch


def _overloaded() -> SeatsyncError:
    return SeatsyncError("the room is behind", code="OVERLOADED", retry_after_ms=OVERLOADED_FOR_MS)


def _fail_all(batch: list[Pending], error: BaseException) -> None:
    for pending in batch:
        pending.fail(error)
