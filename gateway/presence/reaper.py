"""Empties the seats of those who are gone (DOMAIN.md 5)."""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from gateway.loop.tasks import Tasks
from gateway.presence.occupied import Occupied
from gateway.presence.pace import apart, forever, log_refused
from gateway.presence.ports import Rooms, Sleep
from gateway.presence.present import Presence
from gateway.presence.tenure import GRACE_MS, Tenure
from room.commands import SystemLink, SystemReap
from room.documents import Participation, State
from room.errors import RoomNotFound
from store.leases import Lapse
from store.port import Clock

log = logging.getLogger(__name__)

STEP_S: Final = 2.0
SPREAD: Final = 0.2
MAX_LAPSES: Final = 10_000
"""Looked at in one step; the oldest come first."""
ROOMS_AT_ONCE: Final = 32
BELIEVE_MS: Final = 1_500
"""How long a list of lapsed leases is acted upon; what is left waits for the next list."""
SETTLED_MS: Final = GRACE_MS // 2
"""Who sat down later than this came after the lapse, whatever two nodes' clocks differ by."""


class Reaper:
    """Shows as lost whose lease ran out, and ends their stay when the grace is over.

    ==========================  ===============================================
    a lapsed lease              becomes
    ==========================  ===============================================
    of nobody on a seat         forgotten
    of somebody present here    renewed
    for less than the grace     ``link: lost``, once
    for the grace, or longer    ``system.reap``, and forgotten
    ==========================  ===============================================

    Any node may reap, and two at once do no harm: the second finds no such participation. After a
    start, or an absence of the store, nothing is done for one lease, and nobody is reaped for one
    lease and the grace: nobody could have renewed before.
    """

    def __init__(
        self,
        tenure: Tenure,
        occupied: Occupied,
        presence: Presence,
        rooms: Rooms,
        tasks: Tasks,
        *,
        clock_ms: Clock,
        monotonic_ms: Clock,
        rng: random.Random,
        sleep: Sleep,
    ) -> None:
        self._tenure = tenure
        self._occupied = occupied
        self._presence = presence
        self._rooms = rooms
        self._tasks = tasks
        self._clock_ms = clock_ms
        self._monotonic_ms = monotonic_ms
        self._rng = rng
        self._sleep = sleep

    async def run(self) -> None:
        """Reap until cancelled."""
        await forever(self._tasks, self.step, self._pause_s, self._sleep)

    async def step(self) -> None:
        """Ask once which leases ran out, and act on each.

        It asks in the quiet time too: that is how a store that is still away is noticed.

        Raises:
            Unavailable: the store does not answer about leases.
        """
        asked_ms = self._monotonic_ms()
        lapses = await self._tenure.lapsed(MAX_LAPSES)
        if self._tenure.quiet.lasted_ms < self._tenure.lease_ms:
            return
        here = {lapse.seated for lapse in lapses if self._is_present(lapse)}
        await self._tenure.renew(tuple(here))
        by_room: dict[str, list[Lapse]] = defaultdict(list)
        for lapse in lapses:
            if lapse.seated not in here and not self._only_waits(lapse):
                by_room[lapse.seated.room].append(lapse)
        works = (self._judge(room, some, asked_ms) for room, some in by_room.items())
        log_refused("rooms were not reaped", await apart(self._tasks, works, ROOMS_AT_ONCE))

    def _is_present(self, lapse: Lapse) -> bool:
        return self._presence.is_present(*lapse.seated)

    def _only_waits(self, lapse: Lapse) -> bool:
        """Tell whether nothing is to do but to let the grace pass."""
        occupant = self._occupied.find(*lapse.seated)
        return occupant is not None and occupant.is_lost and not self._is_over(lapse)

    def _is_over(self, lapse: Lapse) -> bool:
        """Tell whether the grace of a lapse is over, for a node that has seen enough of it."""
        return (
            lapse.ago_ms >= GRACE_MS
            and self._tenure.quiet.lasted_ms >= self._tenure.lease_ms + GRACE_MS
        )

    async def _judge(self, room: str, lapses: Sequence[Lapse], asked_ms: int) -> None:
        if self._monotonic_ms() - asked_ms > BELIEVE_MS:
            return
        try:
            state = (await self._rooms.find(room)).edition.stored.state
        except RoomNotFound:
            await self._tenure.stop([lapse.seated for lapse in lapses])
            return
        for lapse in lapses:
            await self._act(lapse, _participation(state, lapse.seated.user_id))

    async def _act(self, lapse: Lapse, stay: Participation | None) -> None:
        seated = lapse.seated
        if stay is None:
            await self._tenure.stop([seated])
        elif self._is_present(lapse):  # they came while the room was read
            await self._tenure.renew([seated])
        elif self._is_over(lapse) and self._clock_ms() - stay.since_ms >= SETTLED_MS:
            reap = SystemReap(participation_id=stay.participation_id, cause="lease_expired")
            if await self._rooms.apply(seated.room, reap):
                log.info("reaped", extra={"room": seated.room, "user": seated.user_id})
            await self._tenure.stop([seated])
        elif stay.link != "lost":
            lost = SystemLink(participation_id=stay.participation_id, link="lost")
            await self._rooms.apply(seated.room, lost)

    def _pause_s(self) -> float:
        return STEP_S * self._rng.uniform(1 - SPREAD, 1 + SPREAD)


def _participation(state: State, user_id: str) -> Participation | None:
    index = state.seat_of(user_id)
    return None if index is None else state.seats[index].occupant
