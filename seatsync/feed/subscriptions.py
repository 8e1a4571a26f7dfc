"""Which rooms a push connection follows: a plain object without a clock or a socket.

A room is in one of three places.

| place | how it leaves |
| --- | --- |
| waiting | at its time it is asked for, if fewer than ``WINDOW`` rooms are asked for |
| asked | a sign of the room came: followed; refused, or no answer in ``ANSWER_MS``: waiting |
| followed | refused after all: waiting |

The window paces: the gateway reads no further while its answers are not read, and holds only so
many of them. Waits grow with full jitter, to ``CAP_MS``: a room that does not exist yet is asked
for again and again, at the cost of one message.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from seatsync.backoff import retry_delay_ms

WINDOW: Final = 64
ANSWER_MS: Final = 10_000
BASE_MS: Final = 1_000
CAP_MS: Final = 10_000


class Subscriptions:
    """The rooms of one feed on its push connection.

    Args:
        draw: gives a random number in 0..1 for each wait.
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw: Final = draw
        self._waiting: Final[dict[str, int]] = {}
        """When each may be asked for."""
        self._asked: Final[dict[str, int]] = {}
        """When each is given up, in order."""
        self._followed: Final[set[str]] = set()
        self._failures: Final[dict[str, int]] = {}

    def __contains__(self, room: str) -> bool:
        return room in self._waiting or room in self._asked or room in self._followed

    @property
    def followed(self) -> frozenset[str]:
        """Rooms whose changes come by themselves."""
        return frozenset(self._followed)

    @property
    def follows(self) -> int:
        """How many those are."""
        return len(self._followed)

    def is_followed(self, room: str) -> bool:
        """Tell whether the changes of a room come by themselves."""
        return room in self._followed

    def add(self, room: str, now_ms: int) -> None:
        """Want a room; one that is wanted already is left as it is."""
        if room not in self:
            self._waiting[room] = now_ms

    def remove(self, room: str) -> bool:
        """Want a room no more; tell whether the gateway has to hear of it."""
        self._failures.pop(room, None)
        was_waiting = self._waiting.pop(room, None) is not None
        known = self._asked.pop(room, None) is not None or room in self._followed
        self._followed.discard(room)
        return known and not was_waiting

    def reset(self, now_ms: int) -> None:
        """Begin anew: the next connection follows nothing yet, and may be told other things."""
        rooms = [*self._followed, *self._asked, *self._waiting]
        self._followed.clear()
        self._asked.clear()
        self._failures.clear()
        self._waiting.clear()
        self._waiting.update(dict.fromkeys(rooms, now_ms))

    def due(self, now_ms: int) -> list[str]:
        """Give the rooms that are to be asked for now, and count them as asked."""
        self._give_up(now_ms)
        ready = (room for room, at_ms in self._waiting.items() if at_ms <= now_ms)
        due = list(islice(ready, WINDOW - len(self._asked)))
        for room in due:
            del self._waiting[room]
            self._asked[room] = now_ms + ANSWER_MS
        return due

    def wake_at_ms(self) -> int | None:
        """Say when ``due`` is to be called again if nothing is heard until then."""
        given_up = next(iter(self._asked.values()), None)
        if len(self._asked) >= WINDOW:
            return given_up
        times = [*self._waiting.values(), *([] if given_up is None else [given_up])]
        return min(times, default=None)

    def confirm(self, room: str) -> bool:
        """Hear a sign that a room is followed; tell whether that is new.

        A sign of a room that was refused is one from before, and changes nothing.
        """
        if self._asked.pop(room, None) is None:
            return False
        self._failures.pop(room, None)
        self._followed.add(room)
        return True

    def refuse(self, room: str, now_ms: int, hint_ms: int | None = None) -> None:
        """Hear that a room is not followed, and when to ask again where that was said."""
        if room in self._waiting or room not in self:
            return
        self._asked.pop(room, None)
        self._followed.discard(room)
        failures = self._failures.get(room, 0)
        self._failures[room] = failures + 1
        self._waiting[room] = now_ms + retry_delay_ms(
            hint_ms, failures, self._draw(), base_ms=BASE_MS, cap_ms=CAP_MS
        )

    def _give_up(self, now_ms: int) -> None:
        late = [room for room, at_ms in self._asked.items() if at_ms <= now_ms]
        for room in late:
            self.refuse(room, now_ms)
