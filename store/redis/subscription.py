"""One life of the listening connection: subscribe, confirm, read until it ends."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from store.redis.address import Address, connect


class Message(NamedTuple):
    """What was published."""

    channel: str
    body: bytes


class Confirmed(NamedTuple):
    """From here on nothing on any of the channels is missed while the connection lives."""


class Subscription:
    """A connection that listens to a fixed set of channels.

    It never reconnects by itself: what was published meanwhile would be lost without a sign.
    """

    def __init__(self, connection: AbstractConnection, channels: Sequence[str]) -> None:
        self._connection = connection
        self._unconfirmed: Final = set(channels)

    async def next(self) -> Message | Confirmed:
        """Wait for what comes next.

        Raises:
            RedisError, OSError: the connection ended.
        """
        while True:
            frame = await self._connection.read_response(timeout=math.inf)
            match frame:
                case [b"message", bytes(channel), bytes(body)]:
                    return Message(channel.decode("utf-8", "replace"), body)
                case [b"subscribe", bytes(channel), int()] if self._unconfirmed:
                    self._unconfirmed.discard(channel.decode("utf-8", "replace"))
                    if not self._unconfirmed:
                        return Confirmed()


@asynccontextmanager
async def subscribed(address: Address, channels: Sequence[str]) -> AsyncIterator[Subscription]:
    """Connect and ask for channels; the connection is gone at the end.

    Raises:
        RedisError, OSError: the server can't be reached, or refuses.
    """
    connection = address.connection()
    try:
        await connect(connection)
        await connection.send_command("SUBSCRIBE", *channels)
        yield Subscription(connection, channels)
    finally:
        with suppress(RedisError, OSError):  # it is given up either way
            await connection.disconnect(nowait=True)
