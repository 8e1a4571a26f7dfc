"""A room as a program sees it: snapshots to iterate over, commands to send."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakSet

import aiohttp

from room.messages import Ack
from room.position import Position
from room.reconcile import CHANNELS, Channel, Verdict
from seatsync.access import http_url, open_access
from seatsync.commands import CommandSender
from seatsync.errors import RoomEnded, SourceEnded
from seatsync.follower import Follower, Update
from seatsync.ladder import Ladder
from seatsync.mailbox import Mailbox
from seatsync.runner import Runner
from seatsync.sources.keys import StreamKeys, keys_address
from seatsync.sources.poll import PollSource
from seatsync.sources.sei import SeiSource
from seatsync.sources.source import CONNECT_TIMEOUT_S, Arrival, Source
from seatsync.sources.sse import SseSource
from seatsync.sources.ws import WsSource
from sei.wire.keys import KeySet
from sei.wire.signature import Verdict as SignatureVerdict

ARRIVALS_DEPTH: Final = 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(connect=CONNECT_TIMEOUT_S, sock_read=CONNECT_TIMEOUT_S)


class Room:
    """Follows one room over every channel that works, and shows the highest position.

    ```python
    async with Room("http://127.0.0.1:8080", "demo") as room:
        async for update in room:
            print(update.snapshot.position, update.channel)
    ```

    The iteration gives what shows, newest only: a slow reader skips and never falls behind. It ends
    when the room is left, and raises ``RoomEnded`` when no channel can ever bring anything again.
    """

    def __init__(
        self,
        base_url: str,
        room: str,
        *,
        token: str | None = None,
        channels: Collection[Channel] = CHANNELS,
        stream_url: str | None = None,
        sei_keys: KeySet | str | None = None,
        draw: Callable[[], float] | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Name a room; nothing is sent before ``async with``.

        Args:
            base_url: the gateway's address.
            room: id of the room.
            token: who asks; none is anonymous.
            channels: those that may be used; they are preferred in the order of ``CHANNELS``.
            stream_url: where the room's FLV stream is, if not where the gateway says.
            sei_keys: the keys that sign what is in the stream, or the address of a JWK set; unless
                given, the set at ``/.well-known/seatsync-keys.json`` of the gateway.
            draw: gives random numbers in 0..1.
            clock_ms: gives Unix time, for the lag of snapshots.

        Raises:
            InvalidArgument: an argument cannot be used.
        """
        self._access: Final = open_access(base_url, room, token)
        self._draw: Final = draw or secrets.SystemRandom().random
        self._ladder: Final = Ladder(channels, self._draw)
        self._channels: Final = frozenset(channels)
        self._stream_url: Final = None if stream_url is None else http_url(stream_url)
        self._keys_address: Final = keys_address(self._access, sei_keys)
        self._clock_ms: Final = clock_ms
        self._follower: Final = Follower(self._access.view)
        self._readers: Final[WeakSet[Mailbox[Update]]] = WeakSet()
        self._watchers: Final[WeakSet[Mailbox[Update]]] = WeakSet()
        self._exits: Final = AsyncExitStack()
        self._runner: Runner | None = None
        self._commands: CommandSender | None = None
        self._keys: StreamKeys | None = None
        self._left = False
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        return f"Room({str(self._access.base_url)!r}, {self._access.room!r})"

    @property
    def shown(self) -> Update | None:
        """What the room looks like now; None before the first snapshot."""
        return self._follower.shown

    @property
    def counts(self) -> Mapping[tuple[Channel, Verdict], int]:
        """How many snapshots each channel brought, by verdict; a live view."""
        return self._follower.counts

    @property
    def active(self) -> Channel | None:
        """The best channel that works now."""
        return self._ladder.active

    @property
    def running(self) -> frozenset[Channel]:
        """The channels that are open or being tried now."""
        return frozenset() if self._runner is None else self._runner.running

    @property
    def endings(self) -> Mapping[Channel, SourceEnded]:
        """How the latest life of each channel ended, where one did."""
        return {} if self._runner is None else dict(self._runner.endings)

    @property
    def sei_keys(self) -> KeySet:
        """The keys that the video is believed by now; none before they were fetched."""
        return KeySet() if self._keys is None else self._keys.trusted

    @property
    def signatures(self) -> Mapping[SignatureVerdict, int]:
        """How many snapshots the video brought, by what became of their signature; a live view.

        ``valid``, ``unsigned``, ``unknown_key``, and ``invalid``: those were dropped.
        """
        return {} if self._keys is None else self._keys.counts

    async def __aenter__(self) -> Self:
        if self._runner is not None or self._left:
            raise RuntimeError("a Room is entered once")
        session = await self._exits.enter_async_context(
            aiohttp.ClientSession(timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        )
        self._commands = CommandSender(session, self._access, self._draw)
        sources = self._build_sources(session)
        self._runner = Runner(
            self._ladder, sources, on_arrival=self._take, on_end=self._end_following
        )
        self._exits.push_async_callback(self._runner.stop)
        self._runner.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left = True
        for mailbox in (*self._readers, *self._watchers):
            mailbox.end(self._failure)
        await self._exits.aclose()
        if error is None and not isinstance(self._failure, RoomEnded | None):
            raise self._failure

    def __aiter__(self) -> AsyncIterator[Update]:
        """Iterate over what shows: first what is shown already, then the newest each time."""
        mailbox = self._open_mailbox(self._readers, 1)
        if self.shown is not None:
            mailbox.put(self.shown)
        return mailbox

    def arrivals(self, depth: int = ARRIVALS_DEPTH) -> Mailbox[Update]:
        """Iterate over every arrival from now on, whatever its verdict.

        Args:
            depth: how many wait for a slow reader; then the oldest are dropped and counted in
                ``skipped``.
        """
        return self._open_mailbox(self._watchers, depth)

    async def command(
        self,
        name: str,
        /,
        *,
        cmd_id: str | None = None,
        if_version: Position | str | None = None,
        **args: Any,
    ) -> Ack:
        """Send a command, such as ``command("seat.take", seat_index=3)``.

        What may help is tried again with the same ``cmd_id``, bounded in number and time.

        Args:
            name: of the command (DOMAIN.md 3).
            cmd_id: 1 to 64 characters; a random one where there is none.
            if_version: refuse unless ``state`` stands exactly there.
            args: the arguments of the command.

        Raises:
            CommandRefused: the gateway said no.
            CommandUnanswered: no answer came; whether it was carried out is open.
        """
        if self._commands is None or self._left:
            raise RuntimeError("commands are sent inside async with")
        return await self._commands.send(name, args, cmd_id=cmd_id, if_version=if_version)

    def _build_sources(self, session: aiohttp.ClientSession) -> dict[Channel, Source]:
        have = self._follower.have
        self._keys = StreamKeys(session, self._keys_address)
        sei = SeiSource(session, self._access, stream_url=self._stream_url, keys=self._keys)
        if "sei" in self._channels and len(self._channels) > 1:
            self._prefetch(sei)
        every: tuple[Source, ...] = (
            WsSource(session, self._access, have),
            SseSource(session, self._access, have),
            PollSource(session, self._access, self._draw),
            sei,
        )
        return {source.channel: source for source in every}

    def _prefetch(self, sei: SeiSource) -> None:
        """Learn what the video takes while the gateway is there: later it may not be."""

        async def prepare() -> None:
            if self._stream_url is None:
                with suppress(SourceEnded):  # asked again when the channel's turn comes
                    await sei.locate()
            await sei.keys.prefetch()

        task = asyncio.create_task(prepare(), name="seatsync media")

        async def cancel() -> None:
            task.cancel()
            await asyncio.wait((task,))
            if not task.cancelled():
                task.result()

        self._exits.push_async_callback(cancel)

    def _take(self, arrival: Arrival) -> None:
        update = self._follower.judge(arrival, self._clock_ms())
        for mailbox in self._watchers:
            mailbox.put(update)
        if update.verdict.shows:
            for mailbox in self._readers:
                mailbox.put(update)

    def _end_following(self, error: BaseException | None) -> None:
        self._failure = RoomEnded(self._access.room, self.endings) if error is None else error
        for mailbox in (*self._readers, *self._watchers):
            mailbox.end(self._failure)

    def _open_mailbox(self, group: WeakSet[Mailbox[Update]], depth: int) -> Mailbox[Update]:
        mailbox: Mailbox[Update] = Mailbox(depth)
        group.add(mailbox)
        if self._left or self._failure is not None:
            mailbox.end(self._failure)
        return mailbox
