"""One connection's way out: its mailbox, its place among the open connections, its deadline."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gateway.bearer import Bearer
from gateway.config import RETRY_SPREAD_MS
from gateway.push.mailbox import Item, Mailbox
from room.errors import SeatsyncError
from room.messages import Bye
from room.snapshot import Snapshot

if TYPE_CHECKING:
    from gateway.gateway import Gateway

EXPIRED = Bye(code=4500, reason="the token has expired")


class Outgoing:
    """What a driver sends, item by item, while the connection is open.

    Use as a context manager; ``abort`` cuts the connection off without waiting.
    """

    def __init__(
        self, gateway: Gateway, channel: str, bearer: Bearer, abort: Callable[[], None]
    ) -> None:
        self._gateway = gateway
        self._channel = channel
        self._bearer = bearer
        self._abort = abort
        self._awake = asyncio.Event()
        self._drained = asyncio.Event()
        self._sent = gateway.metrics.snapshots.labels(channel)
        self._expiry: asyncio.TimerHandle | None = None
        self.mailbox = Mailbox(bearer.view, self._awake.set)

    def __enter__(self) -> Self:
        """Count the connection in.

        Raises:
            SeatsyncError: ``OVERLOADED``: this node takes no new connection.
        """
        if self._gateway.connections.draining:
            raise SeatsyncError(
                "this node is leaving", code="OVERLOADED", retry_after_ms=retry_after_ms()
            )
        self._gateway.limits.open_connection(self._bearer.actor)
        self._gateway.connections.add(self.mailbox, self._abort)
        self._gateway.metrics.connections.labels(self._channel).inc()
        if self._bearer.expires_at_s is not None:
            left_s = self._bearer.expires_at_s - self._gateway.clock_ms() / 1000
            self._expiry = asyncio.get_running_loop().call_later(
                max(0.0, left_s), self.mailbox.say_bye, EXPIRED
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self._gateway.connections.remove(self.mailbox)
        self._gateway.limits.close_connection(self._bearer.actor)
        metrics = self._gateway.metrics
        metrics.connections.labels(self._channel).dec()
        metrics.skipped.labels(self._channel).inc(self.mailbox.skipped)

    async def next(self, within_s: float | None = None) -> Item | None:
        """Wait for what is to be sent next; None if nothing came within the time.

        Cancellation loses nothing: an item leaves the mailbox only when it is given back.
        """
        while True:
            item = self.mailbox.take()
            if not self.mailbox.is_full:
                self._drained.set()
            if item is not None:
                if isinstance(item, Snapshot):
                    self._sent.inc()
                return item
            self._awake.clear()
            try:
                async with asyncio.timeout(within_s):
                    await self._awake.wait()
            except TimeoutError:
                return None

    async def wait_for_space(self) -> None:
        """Hold the reading side while too many answers wait to be sent."""
        while self.mailbox.is_full:
            self._drained.clear()
            await self._drained.wait()


def retry_after_ms() -> int:
    """Pick when one client is to come back."""
    return random.randint(*RETRY_SPREAD_MS)  # noqa: S311 - spread, not secrecy


def farewell(error: SeatsyncError) -> Bye:
    """Say an error as the last message of a connection."""
    code = error.travel.close
    if code >= 4500:
        return Bye(code=code, reason=error.message)
    return Bye(
        code=code,
        reason=error.message,
        retry_after_ms=error.retry_after_ms or retry_after_ms(),
    )
