"""Connections by room and user: for what concerns one person, on all their devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from room.documents import State

Listener = Callable[[State], None]
"""Told the new state when the user's standing in the room has changed."""


class Audience:
    """Who of the present users is to hear when their own standing changes."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, str], dict[Listener, None]] = {}

    def join(self, room: str, user_id: str, listener: Listener) -> None:
        """Add one connection of a user."""
        self._listeners.setdefault((room, user_id), {})[listener] = None

    def leave(self, room: str, user_id: str, listener: Listener) -> None:
        """Remove one connection; unknown ones are fine."""
        listeners = self._listeners.get((room, user_id), {})
        listeners.pop(listener, None)
        if not listeners:
            self._listeners.pop((room, user_id), None)

    def tell(self, room: str, user_ids: Iterable[str], state: State) -> None:
        """Tell every connection of these users."""
        for user_id in user_ids:
            for listener in tuple(self._listeners.get((room, user_id), ())):
                listener(state)
