"""What all users of this process share; filled when Locust has read its command line."""

from __future__ import annotations

import random
from itertools import count

from loadtest.clock import ServerClock
from loadtest.places import choose_room, guest_room
from loadtest.shapes import SHAPES, Steady
from loadtest.tide import Tide
from loadtest.tokens import Tokens


class Scene:
    """Rooms, tokens, the clock and the tide."""

    def __init__(self) -> None:
        self.rooms: tuple[str, ...] = ("load-0",)
        self.guests = 0
        """In the whole run, over all processes."""
        self.shape: Steady = SHAPES["steady"]
        self.tokens = Tokens(None)
        self.worker = 0
        """Index of this process."""
        self.clock = ServerClock()
        self.tide = Tide()
        self.rng = random.Random()
        self._guest_numbers = count()

    def place(self) -> str:
        """Choose a reader's room."""
        return choose_room(self.rooms, self.shape.hot_share, self.rng)

    def next_guest(self) -> tuple[str, str | None]:
        """Give the room and the token of one more guest."""
        number = next(self._guest_numbers)
        room = guest_room(self.rooms, number + self.worker, hot=self.shape.hot_share > 0)
        return room, self.tokens.guest(self.worker, number)

    def change_interval_s(self) -> float:
        """Give the time between two changes of one guest at this moment."""
        return max(1, self.guests) / max(0.001, self.tide.changes_per_s)


scene = Scene()
