"""Keeps the leases of those who are here, and shows those who came back."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final

from gateway.loop.tasks import Tasks
from gateway.presence.occupied import Occupied
from gateway.presence.pace import apart, attempt, forever, log_refused
from gateway.presence.ports import Rooms, Sleep
from gateway.presence.present import Presence
from gateway.presence.tenure import Tenure
from room.commands import SystemLink
from store.leases import Seated

ROOMS_AT_ONCE: Final = 500
"""Rooms whose leases go in one call."""
COMMANDS_AT_ONCE: Final = 32
CLAIMS_AT_ONCE: Final = 64
STEPS_A_CLAIM: Final = 3
"""Claims run longer than leases and are renewed in every third step."""
SPREAD: Final = 0.2
"""Pauses are up to so much shorter than a third of a lease, never longer."""
REVIVAL_PAUSE_S: Final = 0.2


class LeaseKeeper:
    """Every third of a lease: renews what is present, and starts what has no lease at all.

    A seat without a lease, left by a store that lost it, gets one so that it can lapse.
    """

    def __init__(
        self,
        tenure: Tenure,
        occupied: Occupied,
        presence: Presence,
        rooms: Rooms,
        tasks: Tasks,
        *,
        rng: random.Random,
        sleep: Sleep,
    ) -> None:
        self._tenure = tenure
        self._occupied = occupied
        self._presence = presence
        self._rooms = rooms
        self._tasks = tasks
        self._rng = rng
        self._sleep = sleep
        self._steps = 0

    async def run(self) -> None:
        """Keep leases until cancelled; those who came back are not kept waiting for a step."""
        async with asyncio.TaskGroup() as group:
            group.create_task(forever(self._tasks, self.step, self._pause_s, self._sleep))
            group.create_task(self._revive_always())

    async def step(self) -> None:
        """Go once through everybody who is known to be seated.

        Raises:
            Unavailable: the store does not answer; signs of life are kept for the next step.
        """
        self._presence.begin()
        with_claims = self._steps % STEPS_A_CLAIM == 0
        for rooms in self._occupied.slices(ROOMS_AT_ONCE):
            await self._keep(rooms, with_claims)
            await asyncio.sleep(0)  # leases of one process never yield by themselves
        self._presence.done()
        self._steps += 1

    async def revive(self) -> None:
        """Renew at once who is here and shown as lost, before another node reaps them.

        Raises:
            Unavailable: the store does not answer; the next step tries again.
        """
        await self._hold(self._presence.take_returned(), with_claims=True)

    async def _keep(self, rooms: Sequence[str], with_claims: bool) -> None:
        present: list[Seated] = []
        absent: list[Seated] = []
        for room in rooms:
            for user_id in self._occupied.of(room):
                here = self._presence.is_present(room, user_id)
                (present if here else absent).append(Seated(room, user_id))
        for seated in present:
            self._occupied.use(seated.room)
        await self._hold(present, with_claims)
        await self._tenure.ensure(absent)

    async def _hold(self, present: Sequence[Seated], with_claims: bool) -> None:
        await self._tenure.renew(present)
        if with_claims and self._tenure.single_room_seat:
            claims = (self._tenure.renew_claim(seated) for seated in present)
            refused = await apart(self._tasks, claims, CLAIMS_AT_ONCE)
            log_refused("claims were not renewed", refused)
        links = (
            self._show(seated.room, occupant.participation_id)
            for seated in present
            if (occupant := self._occupied.find(*seated)) is not None and occupant.is_lost
        )
        refused = await apart(self._tasks, links, COMMANDS_AT_ONCE)
        log_refused("users who came back are still shown as lost", refused)

    async def _show(self, room: str, participation_id: str) -> None:
        await self._rooms.apply(room, SystemLink(participation_id=participation_id, link="ok"))

    async def _revive_always(self) -> None:
        while True:
            await self._presence.has_returned.wait()
            await attempt(self._tasks, self.revive())
            await self._sleep(REVIVAL_PAUSE_S)

    def _pause_s(self) -> float:
        return self._tenure.lease_ms / 3000 * self._rng.uniform(1 - SPREAD, 1)
