"""Every push connection of this node, by room and user: for what is said beside the documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gateway.push.mailbox import Mailbox
from room.snapshot import Stored

Listener = Callable[[Stored], None]
"""Told the room when what the user may do there has changed."""


class _Present(NamedTuple):
    """One connection in one room."""

    user_id: str | None
    listener: Listener | None


class Audience:
    """Who is connected where; what is said here is lossy but for what each connection hears last.

    A message has a slot: a later one of the same slot replaces one that was not sent yet.
    """

    def __init__(self) -> None:
        self._rooms: dict[str, dict[Mailbox, _Present]] = {}
        self._users: dict[tuple[str, str], dict[Mailbox, None]] = {}

    def enter(
        self, room: str, user_id: str | None, mailbox: Mailbox, listener: Listener | None = None
    ) -> None:
        """Add one connection; ``user_id`` is None for a caller without a token."""
        self._rooms.setdefault(room, {})[mailbox] = _Present(user_id, listener)
        if user_id is not None:
            self._users.setdefault((room, user_id), {})[mailbox] = None

    def leave(self, room: str, mailbox: Mailbox) -> None:
        """Remove one connection; unknown ones are fine."""
        present = self._rooms.get(room, {}).pop(mailbox, None)
        if present is None:
            return
        if not self._rooms[room]:
            del self._rooms[room]
        if present.user_id is not None:
            mailboxes = self._users[room, present.user_id]
            del mailboxes[mailbox]
            if not mailboxes:
                del self._users[room, present.user_id]

    def is_present(self, room: str, user_id: str) -> bool:
        """Tell whether a user has a connection here."""
        return (room, user_id) in self._users

    def count(self, room: str) -> int:
        """Count the connections of a room."""
        return len(self._rooms.get(room, ()))

    def rooms(self) -> Iterable[str]:
        """Name the rooms that somebody is connected to."""
        return tuple(self._rooms)

    def tell(self, stored: Stored, user_ids: Iterable[str] | None) -> None:
        """Tell every connection of these users, or of all in the room, that standings changed."""
        present = self._rooms.get(stored.room, {})
        mailboxes = tuple(present) if user_ids is None else self._of(stored.room, user_ids)
        for mailbox in mailboxes:
            one = present.get(mailbox)  # what one is told may make another leave
            if one is not None and one.listener is not None:
                one.listener(stored)

    def say(self, room: str, slot: str, message: bytes) -> None:
        """Say something to every connection of a room; O(connections)."""
        for mailbox in self._rooms.get(room, ()):
            mailbox.say_latest((slot, room), message)

    def say_to(self, room: str, user_ids: Iterable[str], slot: str, message: bytes) -> None:
        """Say something to every connection of some users."""
        for mailbox in self._of(room, user_ids):
            mailbox.say_latest((slot, room), message)

    def _of(self, room: str, user_ids: Iterable[str]) -> tuple[Mailbox, ...]:
        return tuple(
            mailbox
            for user_id in dict.fromkeys(user_ids)
            for mailbox in self._users.get((room, user_id), ())
        )
