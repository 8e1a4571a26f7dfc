"""How much one user and one room may ask of this node: token buckets, and counts of what is open.

A bucket is kept as the moment at which it will be full again (virtual scheduling, ITU-T I.371):
taking a token moves that moment by ``1 / rate``, and one more fits as long as it lies no further
ahead than the whole burst. A full bucket is no different from none and is forgotten.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

from gateway.config import Bounds, Rate
from room.actor import Actor
from room.errors import SeatsyncError

MAX_BUCKETS: Final = 20_000
"""Far more than a node serves in the seconds in which a bucket fills up."""
SWEPT_AT_ONCE: Final = 4
"""Buckets looked at for being full, with each one that is used: more than one call can add."""

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000


class Buckets:
    """Token buckets by key, bounded in number.

    Where one too many is in use, the one that is nearest to full goes. Not the one that was used
    least lately: whoever comes with ever new keys would then wash out the bucket that holds them
    back. Here such a flood pushes out its own buckets, each a single token short of full.

    Args:
        rate: tokens a second and tokens that fit.
        max_buckets: how many are remembered.
    """

    def __init__(self, rate: Rate, max_buckets: int = MAX_BUCKETS) -> None:
        self._step_ns: Final = _NS_PER_S // rate.per_s
        self._span_ns: Final = self._step_ns * rate.burst
        self._max_buckets: Final = max_buckets
        self._full_at_ns: dict[str, int] = {}
        self._by_fullness: list[tuple[int, str]] = []
        """A heap with one entry a bucket; the moment in it may be one from before."""

    def __len__(self) -> int:
        return len(self._full_at_ns)

    def wait_ns(self, key: str, now_ns: int) -> int:
        """Tell how long it takes until there is a token; 0: there is one."""
        full_at_ns = max(self._full_at_ns.get(key, now_ns), now_ns)
        return max(0, full_at_ns + self._step_ns - now_ns - self._span_ns)

    def take(self, key: str, now_ns: int) -> None:
        """Take a token, which is there."""
        self._sweep(now_ns)
        held = self._full_at_ns.get(key)
        full_at_ns = max(now_ns if held is None else held, now_ns) + self._step_ns
        self._full_at_ns[key] = full_at_ns
        if held is not None:
            return
        heapq.heappush(self._by_fullness, (full_at_ns, key))
        if len(self._full_at_ns) > self._max_buckets:
            self._forget_fullest()

    def _sweep(self, now_ns: int) -> None:
        """Forget some of those that are full."""
        for _ in range(SWEPT_AT_ONCE):
            if not self._by_fullness or self._by_fullness[0][0] > now_ns:
                return
            if self._is_settled():
                _, key = heapq.heappop(self._by_fullness)
                del self._full_at_ns[key]

    def _forget_fullest(self) -> None:
        while not self._is_settled():
            pass
        _, key = heapq.heappop(self._by_fullness)
        del self._full_at_ns[key]

    def _is_settled(self) -> bool:
        """Tell whether the first of the heap stands where it belongs; if not, put it there."""
        listed_ns, key = self._by_fullness[0]
        full_at_ns = self._full_at_ns[key]
        if listed_ns == full_at_ns:
            return True
        heapq.heapreplace(self._by_fullness, (full_at_ns, key))
        return False


class Limits:
    """Refuses what comes too soon after others; services are not held back.

    Args:
        bounds: what may be asked.
        clock_s: monotonic.
        max_buckets: users, and rooms, that are remembered.
    """

    def __init__(
        self, bounds: Bounds, clock_s: Callable[[], float], max_buckets: int = MAX_BUCKETS
    ) -> None:
        self._clock_s = clock_s
        self._users = _buckets(bounds.user_commands, max_buckets)
        self._rooms = _buckets(bounds.room_commands, max_buckets)
        self._polls = _buckets(bounds.user_polls, max_buckets)
        self._max_connections = bounds.user_connections
        self._connections: dict[str, int] = {}

    def check_command(self, actor: Actor, room: str) -> None:
        """Let a command through, or say when it may come.

        One that is refused takes nothing: whoever is over their own limit leaves the room's budget
        to the others, and who is held back by the room keeps their own.

        Raises:
            SeatsyncError: ``RATE_LIMITED``.
        """
        if _is_exempt(actor):
            return
        self._take([(self._users, actor.user_id), (self._rooms, room)], "commands come too fast")

    def check_poll(self, actor: Actor | None) -> None:
        """Let a poll of a known user through, or say when it may come.

        Raises:
            SeatsyncError: ``RATE_LIMITED``.
        """
        if self._polls is not None and actor is not None and not _is_exempt(actor):
            self._take([(self._polls, actor.user_id)], "polls come too fast")

    def open_connection(self, actor: Actor | None) -> None:
        """Count a push connection in; ``close_connection`` counts it out.

        Raises:
            SeatsyncError: ``RATE_LIMITED``: the user has as many as they may; not counted.
        """
        if actor is None or self._max_connections is None or _is_exempt(actor):
            return
        count = self._connections.get(actor.user_id, 0)
        if count >= self._max_connections:
            raise SeatsyncError("you have too many connections open", code="RATE_LIMITED")
        self._connections[actor.user_id] = count + 1

    def close_connection(self, actor: Actor | None) -> None:
        """Count out a push connection that was counted in."""
        if actor is None or self._max_connections is None or _is_exempt(actor):
            return
        count = self._connections.pop(actor.user_id) - 1
        if count:
            self._connections[actor.user_id] = count

    def _take(self, wanted: list[tuple[Buckets | None, str]], message: str) -> None:
        """Take one token of each bucket, or none of any."""
        now_ns = round(self._clock_s() * _NS_PER_S)
        bounded = [(buckets, key) for buckets, key in wanted if buckets is not None]
        wait_ns = max((buckets.wait_ns(key, now_ns) for buckets, key in bounded), default=0)
        if wait_ns:
            wait_ms = -(-wait_ns // _NS_PER_MS)
            raise SeatsyncError(message, code="RATE_LIMITED", retry_after_ms=wait_ms)
        for buckets, key in bounded:
            buckets.take(key, now_ns)


def _buckets(rate: Rate | None, max_buckets: int) -> Buckets | None:
    return None if rate is None else Buckets(rate, max_buckets)


def _is_exempt(actor: Actor) -> bool:
    return actor.kind == "service"
