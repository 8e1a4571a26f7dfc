"""Who is still there: leases on seats, outside the versioned documents (DOMAIN.md 5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from store.port import Clock


class Seated(NamedTuple):
    """Somebody on a seat of a room."""

    room: str
    user_id: str


class Lapse(NamedTuple):
    """A lease that ran out and was neither renewed nor stopped."""

    seated: Seated
    ago_ms: int
    """Since it ran out."""


class Leases(Protocol):
    """Leases by (room, user), on the store's clock, shared by all nodes of a store."""

    async def renew(self, present: Sequence[Seated], lease_ms: int) -> None:
        """Let these run for ``lease_ms`` from now, or longer where they do; starts what is not
        there.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def ensure(self, seated: Sequence[Seated], lease_ms: int) -> None:
        """Start those that are not there, and leave the others alone.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def stop(self, gone: Sequence[Seated]) -> None:
        """Forget these: they are on no seat any more.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def lapsed(self, limit: int = 1000) -> list[Lapse]:
        """List leases that ran out, the oldest first.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def claim(self, user_id: str, room: str, lease_ms: int) -> str | None:
        """Claim a user's one seat for a room, or renew the claim.

        Returns:
            the other room that holds the claim; None: it is this room's now.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def release(self, user_id: str, room: str) -> None:
        """Give a claim back, if it is this room's.

        Raises:
            Unavailable: the store does not answer.
        """
        ...


class LocalLeases:
    """Leases of one process; a restart begins with one for each seat that is taken then."""

    def __init__(self, clock: Clock, taken: Iterable[Seated] = (), lease_ms: int = 0) -> None:
        self._clock = clock
        self._until_ms = {seated: clock() + lease_ms for seated in taken}
        self._claims = {
            seated.user_id: (seated.room, until) for seated, until in self._until_ms.items()
        }

    async def renew(self, present: Sequence[Seated], lease_ms: int) -> None:
        """Let these run for ``lease_ms`` from now, or longer where they do."""
        until = self._clock() + lease_ms
        for seated in present:
            self._until_ms[seated] = max(until, self._until_ms.get(seated, until))

    async def ensure(self, seated: Sequence[Seated], lease_ms: int) -> None:
        """Start those that are not there."""
        until = self._clock() + lease_ms
        for one in seated:
            self._until_ms.setdefault(one, until)

    async def stop(self, gone: Sequence[Seated]) -> None:
        """Forget these."""
        for seated in gone:
            self._until_ms.pop(seated, None)

    async def lapsed(self, limit: int = 1000) -> list[Lapse]:
        """List leases that ran out, the oldest first; O(leases)."""
        now = self._clock()
        out = [Lapse(one, now - until) for one, until in self._until_ms.items() if until < now]
        return sorted(out, key=lambda lapse: -lapse.ago_ms)[:limit]

    async def claim(self, user_id: str, room: str, lease_ms: int) -> str | None:
        """Claim a user's one seat for a room, or renew the claim."""
        now = self._clock()
        holder, until = self._claims.get(user_id, (room, 0))
        if holder != room and until > now:
            return holder
        self._claims[user_id] = (room, now + lease_ms)
        return None

    async def release(self, user_id: str, room: str) -> None:
        """Give a claim back, if it is this room's."""
        if self._claims.get(user_id, ("", 0))[0] == room:
            del self._claims[user_id]
