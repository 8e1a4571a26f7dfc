"""Leases on the server's clock, so that the clocks of nodes never end one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import unquote

from store.leases import Lapse, Seated
from store.redis.keys import SHARDS, lease_member, leases_key, seat_key, shard_of
from store.redis.link import Link, Word
from store.redis.script import CLAIM, LEASE_EXTEND, LEASE_LAPSED, RELEASE

LARGEST_GROUP: Final = 500
"""Leases in one command: no call holds the server up."""


class RedisLeases:
    """Leases by (room, user) in sorted sets; a claim is a key that expires."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def renew(self, present: Sequence[Seated], lease_ms: int) -> None:
        """Let these run for ``lease_ms`` from now, or longer where they do."""
        await self._extend("GT", present, lease_ms)

    async def ensure(self, seated: Sequence[Seated], lease_ms: int) -> None:
        """Start those that are not there."""
        await self._extend("NX", seated, lease_ms)

    async def stop(self, gone: Sequence[Seated]) -> None:
        """Forget these."""
        await self._link.call_each([("ZREM", key, *members) for key, members in _grouped(gone)])

    async def lapsed(self, limit: int = 1000) -> list[Lapse]:
        """List leases that ran out, the oldest first; O(``SHARDS`` times ``limit``)."""
        found = await LEASE_LAPSED.run_each(
            self._link, [([leases_key(shard)], (limit,)) for shard in range(SHARDS)]
        )
        lapses = [
            Lapse(_seated(member), int(ago_ms))
            for pairs in found
            for member, ago_ms in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        return sorted(lapses, key=lambda lapse: -lapse.ago_ms)[:limit]

    async def claim(self, user_id: str, room: str, lease_ms: int) -> str | None:
        """Claim a user's one seat for a room, or renew the claim."""
        holder = await CLAIM.run(self._link, [seat_key(user_id)], room, lease_ms)
        return None if holder is None else holder.decode()

    async def release(self, user_id: str, room: str) -> None:
        """Give a claim back, if it is this room's."""
        await RELEASE.run(self._link, [seat_key(user_id)], room)

    async def _extend(self, how: str, seated: Sequence[Seated], lease_ms: int) -> None:
        await LEASE_EXTEND.run_each(
            self._link, [([key], (how, lease_ms, *members)) for key, members in _grouped(seated)]
        )


def _grouped(seated: Iterable[Seated]) -> list[tuple[str, list[Word]]]:
    """Lay leases out by set, in groups of a bounded size."""
    by_shard: dict[int, list[Word]] = defaultdict(list)
    for one in seated:
        by_shard[shard_of(one.room)].append(lease_member(one))
    return [
        (leases_key(shard), members[start : start + LARGEST_GROUP])
        for shard, members in by_shard.items()
        for start in range(0, len(members), LARGEST_GROUP)
    ]


def _seated(member: bytes) -> Seated:
    room, _, user_id = member.decode("utf-8", "replace").partition("/")
    return Seated(unquote(room), user_id)
