"""What a seat has outside the documents while it is taken: a lease, and a claim on its user."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gateway.presence.occupied import Occupied
from gateway.presence.quiet import Quiet
from room.errors import Refused, Unavailable
from store.leases import Lapse, Leases, Seated

log = logging.getLogger(__name__)

LEAST_LEASE_MS: Final = 15_000
GRACE_MS: Final = 20_000
"""How long a seat outlasts its lease (DOMAIN.md 5)."""
CLAIM_SPARE_MS: Final = 15_000
"""A claim outlasts the last moment at which its seat may still be taken."""


def lease_ms(poll_interval_ms: int) -> int:
    """Give the length of a lease for the poll interval in force (DOMAIN.md 5)."""
    return max(LEAST_LEASE_MS, 3 * poll_interval_ms)


class InOtherRoom(Refused):
    """Another room has the user's one seat."""

    def __init__(self, user_id: str) -> None:
        super().__init__("your seat is in another room", code="IN_OTHER_ROOM")
        self.user_id = user_id


class Tenure:
    """Leases and claims, begun before the commit of a seat and ended after it.

    Args:
        leases: shared with the other nodes.
        occupied: who sits where.
        quiet: told when the store does not answer.
        poll_interval_ms: gives the interval in force.
        single_room_seat: whether a user may have one seat in all rooms only.
    """

    def __init__(
        self,
        leases: Leases,
        occupied: Occupied,
        quiet: Quiet,
        *,
        poll_interval_ms: Callable[[], int],
        single_room_seat: bool = False,
    ) -> None:
        self._leases = leases
        self._occupied = occupied
        self._poll_interval_ms = poll_interval_ms
        self.quiet: Final = quiet
        self.single_room_seat: Final = single_room_seat

    @property
    def lease_ms(self) -> int:
        """How long a lease runs now."""
        return lease_ms(self._poll_interval_ms())

    async def claim(self, room: str, user_id: str) -> None:
        """Let one user's seat begin, before the commit; see ``starting``."""
        await self.starting(room, (user_id,))

    async def unclaim(self, room: str, user_id: str) -> None:
        """Let one user's seat end, or take back what ``claim`` began; see ``ended``."""
        await self.ended(room, (user_id,))

    async def starting(self, room: str, user_ids: Sequence[str]) -> None:
        """Start leases, and claims where a user has one seat only; all of them or none.

        A lease without a seat, left by a commit that failed, lapses and is forgotten.

        Raises:
            InOtherRoom: says whose claim another room holds.
            Unavailable: the store does not answer.
        """
        claimed: list[str] = []
        for user_id in user_ids if self.single_room_seat else ():
            if await self._claim(Seated(room, user_id)) is not None:
                await self._release(room, claimed)
                raise InOtherRoom(user_id)
            claimed.append(user_id)
        await self.renew([Seated(room, user_id) for user_id in user_ids])

    async def ended(self, room: str, user_ids: Iterable[str]) -> None:
        """Stop leases and give claims back; an absent store is logged, they end by themselves.

        Whoever sits in the room, as far as this node knows, keeps theirs: a command that was
        computed from an old room may find its user seated by another node.
        """
        gone = [user_id for user_id in user_ids if self._occupied.find(room, user_id) is None]
        try:
            await self.stop([Seated(room, user_id) for user_id in gone])
        except Unavailable as error:
            log.warning("leases were not stopped", extra={"room": room, "cause": repr(error)})
        if self.single_room_seat:
            await self._release(room, gone)

    async def renew(self, present: Sequence[Seated]) -> None:
        """Let leases run anew.

        Raises:
            Unavailable: the store does not answer.
        """
        if present:
            with self.quiet.noting():
                await self._leases.renew(present, self.lease_ms)

    async def ensure(self, seated: Sequence[Seated]) -> None:
        """Start leases that are not there.

        Raises:
            Unavailable: the store does not answer.
        """
        if seated:
            with self.quiet.noting():
                await self._leases.ensure(seated, self.lease_ms)

    async def stop(self, gone: Sequence[Seated]) -> None:
        """Forget leases.

        Raises:
            Unavailable: the store does not answer.
        """
        if gone:
            with self.quiet.noting():
                await self._leases.stop(gone)

    async def lapsed(self, limit: int) -> list[Lapse]:
        """List leases that ran out, the oldest first.

        Raises:
            Unavailable: the store does not answer.
        """
        with self.quiet.noting():
            return await self._leases.lapsed(limit)

    async def renew_claim(self, seated: Seated) -> None:
        """Let a claim run anew; one that another room holds by now is logged.

        Raises:
            Unavailable: the store does not answer.
        """
        other = await self._claim(seated)
        if other is not None:
            facts = {"room": seated.room, "user": seated.user_id, "other": other}
            log.warning("a user has seats in two rooms", extra=facts)

    async def _claim(self, seated: Seated) -> str | None:
        claim_ms = self.lease_ms + GRACE_MS + CLAIM_SPARE_MS
        with self.quiet.noting():
            return await self._leases.claim(seated.user_id, seated.room, claim_ms)

    async def _release(self, room: str, user_ids: Iterable[str]) -> None:
        try:
            for user_id in user_ids:
                with self.quiet.noting():
                    await self._leases.release(user_id, room)
        except Unavailable as error:
            log.warning("claims were not released", extra={"room": room, "cause": repr(error)})
