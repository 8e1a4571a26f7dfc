"""One push connection: its place at this node, its way out, and what becomes of a stuck socket."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, cast

from gateway.push.channel import Channel
from gateway.push.conversation import Conversation
from gateway.push.farewell import retry_after_ms
from gateway.push.mailbox import Mailbox
from gateway.tokens.bearer import Bearer
from room.errors import SeatsyncError
from room.messages import Bye
from room.snapshot import Encoded, Snapshot

log = logging.getLogger(__name__)

EXPIRED: Final = Bye(code=4500, reason="the token has expired")
STUCK_LOOK_S: Final = 1.0


class Connection(asyncio.Protocol):
    """What WebSocket and SSE have in common; no task and no timer of its own.

    It is one entry of the timing wheel, which looks after it every ``tick_s``, and every second
    while its socket takes no more.

    Args:
        channel: what it shares with the others of its kind.
        bearer: whose it is.
    """

    __slots__ = (
        "_is_in",
        "_stuck_bytes",
        "_stuck_s",
        "_tick_at_s",
        "bearer",
        "channel",
        "conversation",
        "mailbox",
        "tally",
        "transport",
        "wheel_slot",
    )

    def __init__(self, channel: Channel, bearer: Bearer) -> None:
        self.channel: Final = channel
        self.tally: Final = channel.tally
        self.bearer: Final = bearer
        self.mailbox: Final = Mailbox(bearer.view, self)
        self.conversation: Conversation | None = None
        self.transport: asyncio.Transport | None = None
        """None before it was taken over and after it was lost; the mailbox is shut then."""
        self.wheel_slot = -1
        self._is_in = False
        self._stuck_bytes = -1
        self._stuck_s = self._tick_at_s = 0.0

    def enter(self, conversation: Conversation) -> None:
        """Take a place at this node; ``leave`` gives it back.

        Raises:
            SeatsyncError: ``OVERLOADED``: this node takes no new connection; ``RATE_LIMITED``:
                the user has as many as they may.
        """
        if self.channel.connections.draining:
            raise SeatsyncError(
                "this node is leaving", code="OVERLOADED", retry_after_ms=retry_after_ms()
            )
        self.channel.limits.open_connection(self.bearer.actor)
        self.conversation = conversation
        self._is_in = True
        self.channel.connections.add(self)
        self.tally.open += 1

    def retire(self) -> None:
        """Leave every room: nothing more is to be carried; more than once is fine."""
        self.mailbox.shut()
        if self.conversation is not None:
            self.conversation.close()
            self.conversation = None

    def leave(self) -> None:
        """Give the place back, if one was taken."""
        self.retire()
        self.channel.wheel.clear(self)
        if not self._is_in:
            return
        self._is_in = False
        self.channel.connections.remove(self)
        self.channel.limits.close_connection(self.bearer.actor)
        self.tally.open -= 1
        self.tally.skipped += self.mailbox.skipped
        self.mailbox.detach()

    def abort(self) -> None:
        """Cut the connection off without waiting."""
        if self.transport is not None:
            self.transport.abort()

    def carry(self, item: Encoded) -> None:
        """Hand one message to the socket."""
        raise NotImplementedError

    def bring(self, snapshot: Snapshot) -> None:
        """Hand one snapshot to the socket."""
        raise NotImplementedError

    def bid(self, bye: Bye) -> None:
        """Say goodbye; nothing is carried after it."""
        raise NotImplementedError

    def tick(self) -> None:
        """Look after the connection: signs of life, out and in."""
        raise NotImplementedError

    def is_done(self) -> bool:
        """Tell whether the goodbye was said, so that only the time for it is left."""
        return False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to carry; what was said before was sent with the answer to the request."""
        self.transport = cast("asyncio.Transport", transport)
        first_s = self._first_tick_s()
        self._tick_at_s = self.channel.monotonic_s() + first_s
        self.channel.wheel.set(self, first_s)
        self.mailbox.open()
        self.transport.set_write_buffer_limits(high=0)

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self.leave()
        self.transport = None

    def pause_writing(self) -> None:
        """The socket takes no more: keep what is said, the newest of each."""
        self.mailbox.shut()
        if self.transport is not None and self._stuck_bytes < 0 and not self.is_done():
            self._stuck_bytes = self.transport.get_write_buffer_size()
            self._stuck_s = self.channel.monotonic_s()
            self.channel.wheel.set(self, STUCK_LOOK_S)

    def resume_writing(self) -> None:
        """The socket takes again."""
        if self.is_done():
            return
        if self._stuck_bytes >= 0:
            self._stuck_bytes = -1
            left_s = self._tick_at_s - self.channel.monotonic_s()
            if left_s > 0:
                self.channel.wheel.set(self, left_s)
            else:  # one that is stuck again and again is looked after all the same
                self._look_after()
        self.mailbox.open()

    def due(self) -> None:
        """The wheel has come round."""
        if self.transport is None:
            return
        if self.is_done():
            self.transport.abort()
        elif self._stuck_bytes >= 0:
            self._look()
        else:
            self._look_after()

    def _look_after(self) -> None:
        next_s = self._next_tick_s()
        self._tick_at_s = self.channel.monotonic_s() + next_s
        self.channel.wheel.set(self, next_s)
        if self._left_s() <= 0:
            self.mailbox.say_bye(EXPIRED)
        else:
            self.tick()

    def _look(self) -> None:
        """See whether a stuck socket has taken anything; cut it off after a while without."""
        if self.transport is None:
            return
        waiting_bytes, now_s = self.transport.get_write_buffer_size(), self.channel.monotonic_s()
        if waiting_bytes < self._stuck_bytes:
            self._stuck_s = now_s
        self._stuck_bytes = waiting_bytes
        left_s = self._left_s()
        if left_s <= 0:
            self.mailbox.say_bye(EXPIRED)  # said if the socket takes again in time
        if max(now_s - self._stuck_s, -left_s) >= self.channel.no_progress_s:
            log.info("a socket took nothing", extra={"channel": self.channel.name})
            self.transport.abort()
        else:
            self.channel.wheel.set(self, STUCK_LOOK_S)

    def _left_s(self) -> float:
        """How long the token still holds."""
        if self.bearer.expires_at_s is None:
            return float("inf")
        return self.bearer.expires_at_s - self.channel.clock_ms() / 1000

    def _first_tick_s(self) -> float:
        return min(self.channel.tick_s * self.channel.jitter(), self._left_s())

    def _next_tick_s(self) -> float:
        return max(0.0, min(self.channel.tick_s, self._left_s()))
