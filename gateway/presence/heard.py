"""Who speaks, as this node's own callers and the other nodes say it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from store.bus import Voices

MAX_NODES: Final = 64
"""Nodes whose speakers of one room are remembered; what further ones say is dropped."""


class _Elsewhere(NamedTuple):
    """What another node said last of a room."""

    user_ids: tuple[str, ...]
    until_ms: int


class Heard:
    """The speakers of one room; a user speaks while any of their connections says so."""

    def __init__(self) -> None:
        self._here: dict[str, set[str]] = {}
        self._elsewhere: dict[str, _Elsewhere] = {}

    @property
    def here(self) -> tuple[str, ...]:
        """Who speaks by a connection of this node."""
        return tuple(sorted(self._here))

    @property
    def is_silent(self) -> bool:
        """Whether nobody is known to speak, here or elsewhere."""
        return not (self._here or self._elsewhere)

    def everybody(self) -> set[str]:
        """Name all who speak."""
        return set(self._here).union(*(one.user_ids for one in self._elsewhere.values()))

    def begin(self, user_id: str, conn_id: str) -> None:
        """A user speaks by one connection."""
        self._here.setdefault(user_id, set()).add(conn_id)

    def end(self, conn_id: str, user_id: str | None = None) -> None:
        """One connection is silent: of one user, or of whoever spoke by it."""
        for speaker in (user_id,) if user_id is not None else tuple(self._here):
            conn_ids = self._here.get(speaker, set())
            conn_ids.discard(conn_id)
            if not conn_ids:
                self._here.pop(speaker, None)

    def keep_only(self, user_ids: Collection[str]) -> None:
        """Silence those of this node who are not among some users."""
        for user_id in self._here.keys() - set(user_ids):
            del self._here[user_id]

    def hear(self, voices: Voices, until_ms: int) -> None:
        """Take what another node says, until it says otherwise or for a while."""
        if not voices.user_ids:
            self._elsewhere.pop(voices.node, None)
        elif voices.node in self._elsewhere or len(self._elsewhere) < MAX_NODES:
            self._elsewhere[voices.node] = _Elsewhere(voices.user_ids, until_ms)

    def expire(self, now_ms: int) -> bool:
        """Drop what other nodes have not repeated in time, and tell whether anything was."""
        old = [node for node, one in self._elsewhere.items() if one.until_ms <= now_ms]
        for node in old:
            del self._elsewhere[node]
        return bool(old)
