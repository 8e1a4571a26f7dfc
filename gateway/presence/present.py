"""Who of the seated shows signs of life at this node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from gateway.presence.occupied import Occupied
from gateway.presence.ports import Audience
from room.snapshot import Edition
from store.leases import Seated

MAX_TOUCHED: Final = 200_000


class Presence:
    """Signs of life: push connections, and polls and commands since leases were last renewed.

    Bounded by ``max_touched``; beyond it a sign is let go of, and the user's next one counts.
    """

    def __init__(
        self, occupied: Occupied, audience: Audience, max_touched: int = MAX_TOUCHED
    ) -> None:
        self._occupied = occupied
        self._audience = audience
        self._max_touched = max_touched
        self._touched: set[Seated] = set()
        self._renewing: set[Seated] = set()
        self._returned: dict[Seated, None] = {}
        self.has_returned: Final = asyncio.Event()
        """Set while somebody is present whom the room shows as lost."""

    def touch(self, room: str, user_id: str) -> None:
        """Note a poll, a command or a new connection of a user; O(1), for hot paths."""
        occupant = self._occupied.find(room, user_id)
        if occupant is None:
            return
        self._occupied.use(room)
        seated = Seated(room, user_id)
        if len(self._touched) < self._max_touched:
            self._touched.add(seated)
        if occupant.is_lost:
            self._welcome(seated)

    def observe(self, edition: Edition, before: Edition | None) -> None:
        """Notice who is shown as lost though they are here; after ``Occupied`` has learnt."""
        for user_id, occupant in self._occupied.of(edition.room).items():
            if occupant.is_lost and self.is_present(edition.room, user_id):
                self._welcome(Seated(edition.room, user_id))

    def is_present(self, room: str, user_id: str) -> bool:
        """Tell whether a user is connected here or gave a sign that is not yet a renewed lease."""
        if self._audience.is_present(room, user_id):
            return True
        seated = Seated(room, user_id)
        return seated in self._touched or seated in self._renewing

    def begin(self) -> None:
        """Take the signs so far as those of one renewal."""
        self._renewing |= self._touched
        self._touched = set()

    def done(self) -> None:
        """Let go of them: the leases were renewed. Without this the next renewal has them too."""
        self._renewing = set()

    def take_returned(self) -> Sequence[Seated]:
        """Give those who are present and shown as lost, each once."""
        returned = tuple(self._returned)
        self._returned.clear()
        self.has_returned.clear()
        return returned

    def _welcome(self, seated: Seated) -> None:
        if len(self._returned) < self._max_touched:
            self._returned[seated] = None
            self.has_returned.set()
