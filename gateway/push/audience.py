"""Connections by room and user: for what concerns one person, on all their devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from room.snapshot import Stored

Listener = Callable[[Stored], None]
"""Told the room when what the user may do there has changed."""


class Audience:
    """Who of the present users is to hear when their own standing changes."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[str, dict[Listener, None]]] = {}

    def join(self, room: str, user_id: str, listener: Listener) -> None:
        """Add one connection of a user."""
        self._listeners.setdefault(room, {}).setdefault(user_id, {})[listener] = None

    def leave(self, room: str, user_id: str, listener: Listener) -> None:
        """Remove one connection; unknown ones are fine."""
        users = self._listeners.get(room, {})
        listeners = users.get(user_id, {})
        listeners.pop(listener, None)
        if not listeners:
            users.pop(user_id, None)
        if not users:
            self._listeners.pop(room, None)

    def tell(self, stored: Stored, user_ids: Iterable[str] | None) -> None:
        """Tell every connection of these users, or of all who are present in the room."""
        users = self._listeners.get(stored.room, {})
        for user_id in tuple(users if user_ids is None else user_ids):
            for listener in tuple(users.get(user_id, ())):
                listener(stored)
