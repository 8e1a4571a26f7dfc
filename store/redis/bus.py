"""The way between nodes over pub/sub: at most once, so a node must know when it may have missed
something.

A node listens to all of a fixed set of channels, whatever its rooms: nothing to subscribe when
rooms come and go. Each second it publishes a probe to a channel of its own; where none comes back
for ``PROBE_SILENCE_S`` the connection is half open, the server frozen, or the node listens to
another server than it writes to, and the connection is made anew.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Callable, Mapping
from typing import Final, Never

import msgspec
from redis.exceptions import RedisError

from room.errors import Unavailable
from store.bus import Listener, Notice, Voices
from store.redis import messages
from store.redis.address import Address
from store.redis.keys import SHARDS, online_key, shard_of
from store.redis.link import Link
from store.redis.script import COUNT
from store.redis.subscription import Confirmed, Message, subscribed

PROBE_EVERY_S: Final = 1.0
PROBE_SILENCE_S: Final = 2.5
RECONNECT_BASE_S: Final = 0.05
RECONNECT_CAP_S: Final = 2.0
REPORT_HOLDS_MS: Final = 15_000
"""How long what a node said of its connections counts."""

_log: Final = logging.getLogger(__name__)


class RedisBus:
    """Notices and voices on ``seatsync:notices:<crc32(room) % 64>``, counts in a hash a room.

    Args:
        address: the server to listen to; channels are apart by database, as keys are.
        link: what commands go by.
        draw: random numbers in 0..1, for the pause before a reconnect.
    """

    def __init__(
        self, address: Address, link: Link, draw: Callable[[], float] = random.random
    ) -> None:
        self._address = address
        self._link = link
        self._draw = draw
        self._failures = 0
        self._sender: Final = secrets.token_hex(8)
        prefix = f"seatsync:{address.database}:" if address.database else "seatsync:"
        self._notices: Final = [f"{prefix}notices:{shard}" for shard in range(SHARDS)]
        self._probe: Final = f"{prefix}probe:{self._sender}"

    async def run(self, listener: Listener) -> None:
        """Listen until cancelled; says ``on_gap`` once each new subscription is in force.

        Only what a listener itself raises ends it otherwise.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._probe_forever(), name="redis-bus-probe")
            group.create_task(self._listen_forever(listener), name="redis-bus-listen")

    async def notify(self, notice: Notice) -> None:
        """Tell every node that a document changed."""
        await self._publish(notice.room, messages.encode_notice(notice))

    async def speak(self, voices: Voices) -> None:
        """Tell every other node who speaks here."""
        await self._publish(voices.room, messages.encode_voices(self._sender, voices))

    async def count(self, node: str, online: Mapping[str, int]) -> dict[str, int]:
        """Report this node's connections by room and learn those of all nodes together.

        A room with none here is asked about and its entry of this node taken out.
        """
        calls = [
            ([online_key(room)], (node, count, REPORT_HOLDS_MS)) for room, count in online.items()
        ]
        sums = await COUNT.run_each(self._link, calls)
        return {room: int(total) for room, total in zip(online, sums, strict=True)}

    async def _publish(self, room: str, body: bytes) -> None:
        await self._link.call("PUBLISH", self._notices[shard_of(room)], body)

    async def _probe_forever(self) -> None:
        while True:
            try:
                await self._link.call("PUBLISH", self._probe, b"")
            except Unavailable as error:  # the listening side acts on the silence
                _log.debug("a probe was not sent", extra={"why": error.message})
            await asyncio.sleep(PROBE_EVERY_S)

    async def _listen_forever(self, listener: Listener) -> None:
        while True:
            try:
                await self._listen(listener)
            except (RedisError, OSError) as error:  # TimeoutError is an OSError
                _log.warning("the bus is cut off", extra={"why": type(error).__name__})
            bound_s = min(RECONNECT_CAP_S, RECONNECT_BASE_S * 2 ** min(self._failures, 16))
            self._failures += 1
            await asyncio.sleep(self._draw() * bound_s)

    async def _listen(self, listener: Listener) -> Never:
        """Listen over one connection.

        Raises:
            RedisError, OSError: it ended, or no probe came back in time.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PROBE_SILENCE_S) as silence:
            async with subscribed(self._address, [*self._notices, self._probe]) as subscription:
                while True:
                    heard = await subscription.next()
                    if isinstance(heard, Confirmed):
                        _log.info("the bus is connected")
                        self._failures = 0
                        listener.on_gap()
                    elif heard.channel == self._probe:
                        silence.reschedule(loop.time() + PROBE_SILENCE_S)
                    else:
                        self._deliver(heard, listener)

    def _deliver(self, heard: Message, listener: Listener) -> None:
        try:
            message = messages.decode(heard.body)
        except msgspec.MsgspecError:
            _log.warning("a message on the bus can't be read", extra={"channel": heard.channel})
            return
        if isinstance(message, messages.Changed):
            listener.on_notice(Notice(message.room, message.doc))
        elif message.sender != self._sender:
            listener.on_voices(Voices(message.node, message.room, message.user_ids))
