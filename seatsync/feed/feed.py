"""The state of many rooms of one gateway, as long as it is wanted.

| while the push connection is | a room is |
| --- | --- |
| alive | pushed, as soon as it is confirmed; polled until then |
| alive, and refuses the room | asked for again after a while, and polled meanwhile, unless the gateway said that there is no such room |
| open, but silent for two of our pings | polled too |
| away | polled |
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Final

import aiohttp

from room.position import Position
from room.snapshot import Snapshot
from seatsync.access import open_access
from seatsync.errors import SourceEnded
from seatsync.feed.conversation import PING_S, Conversation
from seatsync.feed.counts import FeedCounts
from seatsync.feed.liveness import Liveness
from seatsync.feed.polls import MAX_POLLS_AT_ONCE, RoomPolls
from seatsync.feed.push import PushConnection
from seatsync.feed.rooms import Rooms
from seatsync.feed.subscriptions import Subscriptions
from seatsync.sources.source import CONNECT_TIMEOUT_S, Arrival

STAND_IN_WITHIN_S: Final = 2.0
"""The first polls after push went away are spread over this time."""
_QUIET_PINGS: Final = 2

_log: Final = logging.getLogger(__name__)
_TIMEOUT: Final = aiohttp.ClientTimeout(connect=CONNECT_TIMEOUT_S, sock_read=CONNECT_TIMEOUT_S)


class RoomFeed:
    """Follows any number of rooms anonymously, over one push connection.

    Rooms come and go at any time, also before ``run``. For one thread, one loop.

    Args:
        base_url: the gateway's address.
        on_snapshot: told each snapshot that is newer than what it was told before of that room; it
            must not raise.
        draw: gives random numbers in 0..1.
        clock_s: monotonic.
        ping_s: how often the gateway is asked for a sign of life.
        stand_in_s: over which time the first polls are spread when push is away.

    Raises:
        InvalidArgument: the address cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        on_snapshot: Callable[[Snapshot], None],
        *,
        draw: Callable[[], float] | None = None,
        clock_s: Callable[[], float] = time.monotonic,
        ping_s: float = PING_S,
        stand_in_s: float = STAND_IN_WITHIN_S,
    ) -> None:
        self._base_url: Final = open_access(base_url, "any", None).base_url
        self._draw: Final = draw or secrets.SystemRandom().random
        self._clock_s: Final = clock_s
        self._ping_s: Final = ping_s
        self._rooms: Final = Rooms(self._base_url, on_snapshot)
        self._subscriptions: Final = Subscriptions(self._draw)
        self._liveness: Final = Liveness(_QUIET_PINGS * ping_s)
        self._polls: Final = RoomPolls(self._rooms, clock_s, self._draw, stand_in_s)
        self._conversation: Conversation | None = None
        self._wanted: Final = asyncio.Event()
        self._has_rooms: Final = asyncio.Event()

    def follow(self, room: str) -> None:
        """Want the state of a room from now on; wanting it twice changes nothing.

        Raises:
            InvalidArgument: the room id is malformed.
        """
        if room in self._rooms:
            return
        self._rooms.add(room)
        self._subscriptions.add(room, self._now_ms())
        self._polls.start(room)  # until push brings it
        self._has_rooms.set()
        self._wanted.set()

    def unfollow(self, room: str) -> None:
        """Want a room no more; one that was not wanted is fine."""
        if room not in self._rooms:
            return
        if self._conversation is None:
            self._subscriptions.remove(room)
        else:
            self._conversation.leave(room)
        self._polls.stop(room)
        self._rooms.remove(room)
        if not len(self._rooms):
            self._has_rooms.clear()
        self._wanted.set()

    def last_heard_s(self, room: str) -> float | None:
        """Say how long ago the gateway last confirmed what is held of a room.

        A push connection that is alive confirms all of its rooms, a poll one.

        Returns:
            Seconds; None where it never did, or the room is not followed.
        """
        if room not in self._rooms:
            return None
        if self._liveness.is_open and self._subscriptions.is_followed(room):
            self._rooms.heard(room, self._liveness.heard_at_s)
        at_s = self._rooms[room].heard_at_s
        return None if at_s is None else max(0.0, self._clock_s() - at_s)

    def counters(self) -> FeedCounts:
        """Say how the feed is doing; O(rooms)."""
        live, polls = self._liveness, self._polls
        return FeedCounts(
            channel="ws" if live.is_alive else "poll" if polls.works else "",
            rooms=len(self._rooms),
            rooms_pushed=self._subscriptions.follows if live.is_alive else 0,
            rooms_polled=len(polls),
            rooms_missing=self._rooms.missing,
            reconnects=max(0, live.welcomes - 1),
            push_failures=live.endings,
            polls=polls.answered,
            poll_failures=polls.failed,
            snapshots=self._rooms.snapshots,
            error_code="" if live.ended is None else live.ended.code,
            error="" if live.ended is None else live.ended.reason,
        )

    async def run(self) -> None:
        """Follow until cancelled; then every connection is closed and nothing is left running.

        It may be run again, also after a fault.
        """
        async with (
            _session(limit=1) as push_session,  # polls that wait must not keep push away
            _session(limit=MAX_POLLS_AT_ONCE) as poll_session,
            asyncio.TaskGroup() as tasks,
        ):
            self._polls.open(tasks, poll_session)
            try:
                self._stand_in()
                tasks.create_task(self._listen_for_silence(), name="feed silence")
                await self._keep_pushing(push_session)
            finally:
                self._polls.close()

    async def _keep_pushing(self, session: aiohttp.ClientSession) -> None:
        while True:
            await self._has_rooms.wait()
            try:
                ended = await self._live(session)
            except BaseException:
                self._leave(SourceEnded("the feed was stopped"))
                raise
            if self._leave(ended):
                facts = {"code": ended.code, "reason": ended.reason}
                _log.warning("push is away: the rooms are polled", extra=facts)
            self._stand_in()
            await asyncio.sleep(self._liveness.retry_ms(self._draw()) / 1000)

    async def _live(self, session: aiohttp.ClientSession) -> SourceEnded:
        self._subscriptions.reset(self._now_ms())
        self._conversation = Conversation(
            self._subscriptions, self, welcome_timeout_s=CONNECT_TIMEOUT_S
        )
        connection = PushConnection(
            session,
            self._base_url,
            self._conversation,
            self._subscriptions,
            wanted=self._wanted,
            heard=self._heard,
            clock_s=self._clock_s,
            ping_s=self._ping_s,
        )
        return await connection.live()

    def _leave(self, ended: SourceEnded) -> bool:
        """Keep what the connection confirmed last; tell whether its end is news."""
        if self._liveness.is_open:
            for room in self._subscriptions.followed:
                self._rooms.heard(room, self._liveness.heard_at_s)
        self._conversation = None
        self._subscriptions.reset(self._now_ms())
        return self._liveness.over(ended, self._clock_s())

    async def _listen_for_silence(self) -> None:
        while True:
            await asyncio.sleep(self._ping_s)
            if self._liveness.falls_silent(self._clock_s()):
                _log.warning("push is silent: the rooms are polled")
                self._stand_in()

    def _stand_in(self) -> None:
        for room in self._rooms:
            self._polls.start(room)

    def _heard(self) -> None:
        if self._liveness.heard(self._clock_s()):
            for room in self._subscriptions.followed:
                self._polls.stop(room)

    def have(self, room: str) -> Position | None:
        """Say what is held of a room; for the push connection."""
        return self._rooms[room].position

    def welcomed(self) -> None:
        """Hear that the push connection works."""
        self._liveness.welcomed(self._clock_s())
        _log.info("push is there", extra={"rooms": len(self._rooms)})

    def pushed(self, arrival: Arrival) -> None:
        """Take a snapshot that was pushed."""
        self._rooms.take(arrival)

    def confirmed(self, room: str) -> None:
        """Hear that a room is pushed from now on."""
        self._rooms.confirmed(room, self._clock_s())
        self._polls.stop(room)

    def refused(self, room: str, ended: SourceEnded) -> None:
        """Hear that a room is not pushed; the connection will ask again."""
        self._rooms.refused(room, ended)
        if ended.code == "ROOM_NOT_FOUND":
            self._polls.stop(room)  # they would be told the same
        else:
            self._polls.start(room)

    def _now_ms(self) -> int:
        return int(self._clock_s() * 1000)


def _session(limit: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limit),
        timeout=_TIMEOUT,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
