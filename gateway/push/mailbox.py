"""What waits for one connection: a few messages, and of each document the newest snapshot alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from room.messages import Bye
from room.position import Position
from room.snapshot import Snapshot
from room.views import View

LOSSY_SLOTS: Final = frozenset({"online", "speaking"})
"""Told again and again: they go last, so that they never keep a document waiting."""
MAX_MESSAGES: Final = 64
"""Acks and errors that may wait; a client that does not read them is not read either."""

Item = Snapshot | bytes | Bye


class Key(NamedTuple):
    """One document of one room."""

    room: str
    doc: str


class Mailbox:
    """Depth-1 per document: a snapshot that was not sent yet is overwritten by a newer one.

    A slow reader skips versions and never queues, so memory per connection is bounded, and it
    never hears of an older position after a newer one.
    """

    def __init__(self, view: View, wake: Callable[[], None]) -> None:
        self.view: Final = view
        self._wake = wake
        self._messages: deque[bytes] = deque()
        self._latest: dict[tuple[str, str], bytes] = {}
        self._lossy: dict[tuple[str, str], bytes] = {}
        self._pending: dict[Key, Snapshot] = {}
        self._newest: dict[Key, Position] = {}
        self._bye: Bye | None = None
        self._answering = False
        self.skipped = 0
        """Snapshots that were overwritten before they were sent."""

    @property
    def is_full(self) -> bool:
        """Whether the driver should read no further frame until some were sent."""
        return len(self._messages) >= MAX_MESSAGES

    def know(self, key: Key, position: Position) -> None:
        """Note that the reader holds a position, so that only newer ones are sent."""
        self._newest[key] = max(position, self._newest.get(key, position))

    def forget(self, key: Key) -> None:
        """Drop what waits of a document, and what the reader was given of it."""
        self._newest.pop(key, None)
        self._pending.pop(key, None)

    def offer(self, snapshot: Snapshot) -> bool:
        """Put a snapshot in its slot unless the reader was given that position or a newer one."""
        key = Key(snapshot.room, snapshot.doc)
        newest = self._newest.get(key)
        if newest is not None and snapshot.position <= newest:
            return False
        self._newest[key] = snapshot.position
        if key in self._pending:
            self.skipped += 1
        self._pending[key] = snapshot
        self._wake()
        return True

    def say(self, message: bytes) -> None:
        """Queue a message; the driver keeps this bounded by reading on only while not full."""
        self._messages.append(message)
        self._wake()

    def say_latest(self, slot: tuple[str, str], message: bytes) -> None:
        """Put a message of which only the newest matters in its slot: (what it is, which room)."""
        slots = self._lossy if slot[0] in LOSSY_SLOTS else self._latest
        slots[slot] = message
        self._wake()

    def say_bye(self, bye: Bye) -> None:
        """End the connection after what waits now; the first reason stands."""
        if self._bye is None:
            self._bye = bye
            self._wake()

    @property
    def is_leaving(self) -> bool:
        """Whether the end was decided: what is read from now on is not accepted."""
        return self._bye is not None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Hold the goodbye back until what was accepted is answered."""
        self._answering = True
        try:
            yield
        finally:
            self._answering = False
            self._wake()

    def take(self) -> Item | None:
        """Give what is to be sent next: messages, slots, snapshots, lossy slots, and the end."""
        if self._messages:
            return self._messages.popleft()
        for slot in self._latest:
            return self._latest.pop(slot)
        for key in self._pending:
            return self._pending.pop(key)
        for slot in self._lossy:
            return self._lossy.pop(slot)
        return None if self._answering else self._bye
