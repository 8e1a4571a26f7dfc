"""What one user holds of one room, and how old each new snapshot was when it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from loadtest.clock import ServerClock
from room.errors import SeatsyncError
from room.position import Position
from room.reconcile import Channel, Reconciler, Verdict
from room.snapshot import read_head

Road = Literal["ws", "slow ws", "poll", "long-poll", "sse", "sei"]
"""What staleness is told apart by; several roads may be one channel of the protocol."""

_CHANNEL: Final[dict[Road, Channel]] = {
    "ws": "ws",
    "slow ws": "ws",
    "poll": "poll",
    "long-poll": "poll",
    "sse": "sse",
    "sei": "sei",
}

Tell = Callable[[str, float, int, Exception | None], None]
"""Takes the name of an entry, ms, bytes, and what was wrong."""


class WentBack(Exception):
    """A snapshot is older than one that the same user had before."""

    def __init__(self, road: Road, held: Position, came: Position) -> None:
        super().__init__(f"{road} went back")
        self.road = road
        self.held = held
        self.came = came


class WrongSnapshot(Exception):
    """What came is no snapshot of this room's state."""


class Watch:
    """Keeps the highest position over every road, and tells the age of what is new.

    A snapshot that was committed before the life of a connection began is as old as the room's last
    change, whatever brought it: only what was committed since tells something of the road.

    Args:
        room: id of the room.
        clock: the server's.
        tell: hears of each age, and of each violation as a failure.
    """

    def __init__(self, room: str, clock: ServerClock, tell: Tell) -> None:
        self._room: Final = room
        self._clock: Final = clock
        self._tell: Final = tell
        self._reconciler: Final = Reconciler()
        self._since_ms = clock.now_ms()

    @property
    def position(self) -> Position | None:
        """The highest so far."""
        held = self._reconciler.held()
        return None if held is None else held.position

    def begin(self) -> None:
        """Begin the life of a connection."""
        self._since_ms = self._clock.now_ms()

    def take(self, road: Road, body: bytes) -> None:
        """Judge one snapshot."""
        now_ms = self._clock.now_ms()
        try:
            head = read_head(body)
        except SeatsyncError as error:
            self._fail(road, body, WrongSnapshot(f"{road}: {error.code}"))
            return
        if (head.room, head.doc) != (self._room, "state"):
            self._fail(road, body, WrongSnapshot(f"{road}: of another room or document"))
            return
        before = self.position
        verdict = self._reconciler.offer(head.doc, head.position, head.view, _CHANNEL[road])
        if verdict is Verdict.STALE and before is not None:
            self._fail(road, body, WentBack(road, before, head.position))
        elif verdict is Verdict.APPLIED and head.ts >= self._since_ms:
            self._tell(f"staleness {road}", max(0.0, now_ms - head.ts), len(body), None)

    def _fail(self, road: Road, body: bytes, error: Exception) -> None:
        self._tell(f"position {road}", 0.0, len(body), error)
