"""What waits for one connection: a few messages, and of each document the newest snapshot alone."""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple, Protocol

from room.messages import Bye
from room.position import Position
from room.snapshot import Encoded, Snapshot
from room.views import View

LOSSY_SLOTS: Final = frozenset({"online", "speaking"})
"""Told again and again: they go last, so that they never keep a document waiting."""
MAX_MESSAGES: Final = 64
"""Acks and errors that may wait; a client that does not read them is not read either."""
MAX_SLOTS: Final = 1024
"""Messages of which only the newest matters that may wait; the oldest goes."""
BEYOND: Final = Position(math.inf, math.inf)  # type: ignore[arg-type]  # above every real one
"""Where a line stands that has ended: nothing is newer."""


class Key(NamedTuple):
    """One document of one room."""

    room: str
    doc: str


class Outlet(Protocol):
    """A connection, as its mailbox sees it."""

    def carry(self, item: Encoded) -> None:
        """Hand one message to the socket; called only while the mailbox is open."""
        ...

    def bring(self, snapshot: Snapshot) -> None:
        """Hand one snapshot to the socket; called only while the mailbox is open."""
        ...

    def bid(self, bye: Bye) -> None:
        """Say goodbye; nothing is carried after it."""
        ...


class Nowhere:
    """Where a connection was that has ended; nothing leaves there."""

    def carry(self, item: Encoded) -> None:
        """Drop it."""

    def bring(self, snapshot: Snapshot) -> None:
        """Drop it."""

    def bid(self, bye: Bye) -> None:
        """Say nothing."""


NOWHERE: Final = Nowhere()


class Mailbox:
    """Depth-1 per document: a snapshot that was not sent yet is overwritten by a newer one.

    While it is open, what is said goes straight to the socket and nothing is kept here. While it
    is shut, because the socket takes no more, a slow reader skips versions and never queues: memory
    per connection is bounded, and nobody hears of an older position after a newer one.

    Args:
        view: what its reader sees.
        outlet: where what is said leaves.
    """

    __slots__ = (
        "__weakref__",
        "_answering",
        "_bye",
        "_is_over",
        "_latest",
        "_lossy",
        "_messages",
        "_pending",
        "is_open",
        "outlet",
        "skipped",
        "view",
    )

    def __init__(self, view: View, outlet: Outlet) -> None:
        self.view: Final = view
        self.outlet = outlet
        self.is_open = False
        self.skipped = 0
        """Snapshots that were overwritten before they were sent."""
        self._messages: deque[Encoded] | None = None
        self._latest: dict[tuple[str, str], Encoded] | None = None
        self._lossy: dict[tuple[str, str], Encoded] | None = None
        self._pending: dict[Line, Snapshot] | None = None
        self._bye: Bye | None = None
        self._answering = 0
        self._is_over = False

    @property
    def is_full(self) -> bool:
        """Whether the driver should read no further message until some were sent."""
        return self._messages is not None and len(self._messages) >= MAX_MESSAGES

    @property
    def is_leaving(self) -> bool:
        """Whether the end was decided: what is read from now on is not accepted."""
        return self._bye is not None

    def open(self) -> None:
        """Let out what waits, as far as the socket takes it; from then on all goes straight out."""
        self.is_open = True
        while self.is_open and (item := self.take()) is not None:
            if isinstance(item, Snapshot):
                self.outlet.bring(item)
            else:
                self.outlet.carry(item)
        self._part()

    def shut(self) -> None:
        """Keep what is said from now on: the socket takes no more."""
        self.is_open = False

    def detach(self) -> None:
        """Let go of the connection, which holds this: nothing is left to be collected."""
        self.outlet = NOWHERE

    def say(self, message: bytes) -> None:
        """Say something; the driver keeps what waits bounded by reading on only while not full."""
        said = Encoded(message)
        if self.is_open:
            self.outlet.carry(said)
            return
        if self._messages is None:
            self._messages = deque()
        self._messages.append(said)

    def say_latest(self, slot: tuple[str, str], message: Encoded) -> None:
        """Say something of which only the newest matters; the slot: (what it is, which room)."""
        if self.is_open:
            self.outlet.carry(message)
        elif self._bye is not None:
            return
        elif slot[0] in LOSSY_SLOTS:
            self._lossy = self._lossy or {}
            self._lossy[slot] = message
        else:
            self._latest = self._latest or {}
            self._latest[slot] = message
            if len(self._latest) > MAX_SLOTS:
                del self._latest[next(iter(self._latest))]

    def say_bye(self, bye: Bye) -> None:
        """End the connection after what waits now; the first reason stands."""
        if self._bye is None:
            self._bye = bye
            self._part()

    def begin_answer(self) -> None:
        """Hold the goodbye back until what was accepted is answered."""
        self._answering += 1

    def end_answer(self) -> None:
        """What was accepted is answered."""
        self._answering -= 1
        self._part()

    def keep(self, line: Line, snapshot: Snapshot) -> None:
        """Hold the newest snapshot of a line until the socket takes it."""
        if self._bye is not None:  # what waited before it is all that goes out
            return
        if self._pending is None:
            self._pending = {}
        elif line in self._pending:
            self.skipped += 1
        self._pending[line] = snapshot

    def drop(self, line: Line) -> None:
        """Let go of what waits of a line."""
        if self._pending is not None:
            self._pending.pop(line, None)

    def take(self) -> Encoded | None:
        """Give what is to be sent next: messages, slots, snapshots, and lossy slots."""
        if self._messages:
            return self._messages.popleft()
        for slots in (self._latest, self._pending, self._lossy):
            if slots:
                return slots.pop(next(iter(slots)))  # type: ignore[call-overload, no-any-return]
        self._messages = self._latest = self._pending = self._lossy = None
        return None

    def _part(self) -> None:
        """Say the goodbye, if it is due and nothing waits before it."""
        if self._bye is not None and self.is_open and not self._answering and not self._is_over:
            self._is_over = True
            self.outlet.bid(self._bye)


class Line:
    """One document on its way to one connection; what the hub offers to."""

    __slots__ = ("key", "mailbox", "newest", "view")

    def __init__(self, key: Key, mailbox: Mailbox, holds: Position | None = None) -> None:
        self.key: Final = key
        self.mailbox: Final = mailbox
        self.view: Final = mailbox.view
        self.newest = holds
        """What its reader holds, or was given."""

    def offer(self, snapshot: Snapshot) -> bool:
        """Send a snapshot, or keep it; not one that is no newer than what the reader was given."""
        position, newest = snapshot.position, self.newest
        if newest is not None and position <= newest:
            return False
        self.newest = position
        mailbox = self.mailbox
        if mailbox.is_open:
            mailbox.outlet.bring(snapshot)
        else:
            mailbox.keep(self, snapshot)
        return True

    def end(self) -> None:
        """Carry nothing from now on, though a sweep may still come by."""
        self.newest = BEYOND
        self.mailbox.drop(self)
