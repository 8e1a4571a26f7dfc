"""The states of the rooms on their way to the workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sei.config import StreamConfig
from sei.relay.relayed import States
from sei.relay.words import State

Sized = tuple[str, int]
"""A room, and the size limit of its messages."""


def wanted(config: StreamConfig) -> Sized | None:
    """Say what a stream needs to be told; None where it never injects."""
    return None if config.inject == "off" else (config.room, config.max_message_bytes)


class Rooms:
    """Follows each room once, however many streams and workers show it, while any does.

    Args:
        states: where they come from.
        on_state: told each new one.
    """

    def __init__(self, states: States, on_state: Callable[[State], None]) -> None:
        self._states: Final = states
        self._on_state: Final = on_state
        self._newest: Final[dict[Sized, State]] = {}
        self._ends: Final[dict[Sized, Callable[[], None]]] = {}

    def follow(self, keys: set[Sized]) -> None:
        """Follow these from now on, and no others."""
        for key in sorted(keys - self._ends.keys()):
            self._ends[key] = self._states.subscribe(*key, self._heard)
        for key in self._ends.keys() - keys:  # last, so that a room that stays is not let go
            self._ends.pop(key)()
            self._newest.pop(key, None)

    def newest(self, key: Sized) -> State | None:
        """Give the newest state, for a worker that starts anew."""
        return self._newest.get(key)

    def age_s(self, room: str) -> float | None:
        """Seconds since the gateway last confirmed the state; None: it never did."""
        return self._states.age_s(room)

    def source_counters(self) -> dict[str, Any]:
        """How the states come in; empty where nothing is known of that."""
        counters = self._states.source_counters()
        own = {"refused": self._states.refused, "too_large": self._states.too_large}
        return counters | own if counters else {}

    def _heard(self, state: State) -> None:
        self._newest[state.room, state.max_message_bytes] = state
        self._on_state(state)
