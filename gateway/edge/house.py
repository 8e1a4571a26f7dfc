"""What all the doors of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Protocol

from gateway.edge.exchange import Responder
from gateway.edge.head import Head
from gateway.edge.replies import Reply
from gateway.loop.tick import Tick
from gateway.loop.wheel import Wheel
from gateway.origins import Origins
from room.errors import SeatsyncError

EXPOSED: Final = "ETag, Repr-Digest, Cache-Status, Retry-After, Seatsync-Poll-Ms"
"""Fields of an answer that pages of other origins may read."""

CLOSED_AT_ONCE: Final = 250
"""Idle connections of a leaving house that are closed before others have their turn."""

_VARY: Final = b"Vary: Origin\r\n"


class Idle(Protocol):
    """A connection as its house sees it."""

    def close_idle(self) -> None:
        """Close it, if no request is under way."""
        ...

    def abort(self) -> None:
        """Cut it off."""
        ...


class House:
    """What a door needs to know of the server behind it.

    Args:
        route: gives what answers a request; None: it is lent.
        lend: makes the protocol that answers one lent request (``AppRunner.server``).
        fail: writes an error.
        origins: the pages that are let in.
        varies: whether answers depend on the page that asks.
        wheel: for every time-out.
        date: gives the ``Date`` line of this second, its CRLF included.
        tick: by which answers are given again.
    """

    def __init__(
        self,
        *,
        route: Callable[[Head], Responder | None],
        lend: Callable[[], asyncio.Protocol],
        fail: Callable[[SeatsyncError], Reply],
        origins: Origins,
        varies: bool,
        wheel: Wheel,
        date: Callable[[], bytes],
        tick: Tick | None = None,
    ) -> None:
        self.route = route
        self.lend = lend
        self.fail = fail
        self.wheel = wheel
        self.date = date
        self.tick = tick
        self.leaving = False
        """Whether every connection is to end with its next answer."""
        self.tasks: set[asyncio.Task[None]] = set()
        """Responders at work; each is cancelled if who asked leaves."""
        self.doors: set[Idle] = set()
        self.empty = asyncio.Event()
        """No connection is at a door; those that were taken over are not."""
        self.empty.set()
        self._origins = origins
        self._plain = _VARY if varies else b""

    def cors(self, head: Head) -> bytes | None:
        """Give the lines that let a page read the answer; None: pages of its origin may not come.

        WHATWG Fetch 3.2.
        """
        named = head.all(b"origin")
        if not named:
            return self._plain
        if len(named) > 1 or not self._origins.admits(named[0], head.host, "http"):
            return None
        lines = (
            f"Access-Control-Allow-Origin: {named[0]}\r\n"
            f"Access-Control-Expose-Headers: {EXPOSED}\r\n"
        )
        return lines.encode("latin-1") + _VARY

    @property
    def plain(self) -> bytes:
        """The lines of an answer to a page that may not come."""
        return self._plain

    def enter(self, door: Idle) -> None:
        """A connection has come."""
        self.doors.add(door)
        self.empty.clear()

    def go(self, door: Idle) -> None:
        """A connection has ended, or is another protocol's now."""
        self.doors.discard(door)
        if not self.doors:
            self.empty.set()

    def leave(self) -> None:
        """End every connection with its next answer, and at once where none is due."""
        self.leaving = True
        if self.tick is not None:
            self.tick.turn()
        self._close_idle(iter(tuple(self.doors)))

    def _close_idle(self, doors: Iterator[Idle]) -> None:
        closed = 0
        for door in islice(doors, CLOSED_AT_ONCE):
            door.close_idle()
            closed += 1
        if closed == CLOSED_AT_ONCE:
            asyncio.get_running_loop().call_soon(self._close_idle, doors)
