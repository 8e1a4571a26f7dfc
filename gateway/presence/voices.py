"""Which seats speak now: lossy, beside the documents, never a version (DOMAIN.md 2)."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from gateway.loop.tasks import Tasks
from gateway.presence.heard import Heard
from gateway.presence.occupied import Occupied
from gateway.presence.pace import apart, forever, log_refused
from gateway.presence.ports import Audience, Sleep
from room import wire
from room.errors import Refused
from room.messages import SpeakingMessage
from room.snapshot import Edition
from store.bus import Bus
from store.bus import Voices as SaidVoices
from store.port import Clock

STEP_S: Final = 0.1
SPACING_MS: Final = 200
"""Between two messages of a room: five a second at most (PROTOCOL.md 6)."""
REPEAT_MS: Final = 2_000
"""A node says again who speaks there, while anybody does."""
BELIEVE_MS: Final = 5_000
"""What another node said holds for so long."""
ROOMS_AT_ONCE: Final = 32
SLOT: Final = "speaking"
_NEVER_MS: Final = -(10**12)


class Voices:
    """Who speaks in the rooms that somebody is connected to here.

    A room takes place only while somebody speaks in it, or the last message of it is due.
    """

    def __init__(
        self,
        occupied: Occupied,
        audience: Audience,
        bus: Bus,
        tasks: Tasks,
        *,
        node: str,
        clock_ms: Clock,
        monotonic_ms: Clock,
        sleep: Sleep,
    ) -> None:
        self._occupied = occupied
        self._audience = audience
        self._bus = bus
        self._tasks = tasks
        self._node = node
        self._clock_ms = clock_ms
        self._monotonic_ms = monotonic_ms
        self._sleep = sleep
        self._heard: defaultdict[str, Heard] = defaultdict(Heard)
        self._rooms_of: defaultdict[str, set[str]] = defaultdict(set)
        self._shown: dict[str, tuple[int, ...]] = {}
        self._shown_at_ms: dict[str, int] = {}
        self._changed: dict[str, None] = {}
        self._said: dict[str, tuple[str, ...]] = {}
        self._said_at_ms: dict[str, int] = {}

    def __len__(self) -> int:
        """Count the rooms that take place here."""
        return len(self._heard.keys() | self._shown.keys() | self._shown_at_ms.keys())

    def set(self, room: str, user_id: str, conn_id: str, on: bool) -> None:
        """Take what a caller says of themselves.

        Raises:
            Refused: ``NOT_ON_SEAT``: only the seated speak; to be silent takes no seat.
        """
        if on:
            if self._occupied.find(room, user_id) is None:
                raise Refused("only those on a seat speak", code="NOT_ON_SEAT")
            self._heard[room].begin(user_id, conn_id)
            self._rooms_of[conn_id].add(room)
        elif room in self._heard:
            self._heard[room].end(conn_id, user_id)
            self._leave(conn_id, room)
        self._update(room)

    def gone(self, conn_id: str) -> None:
        """A connection is closed: nobody speaks by it any more."""
        for room in self._rooms_of.pop(conn_id, ()):
            if room in self._heard:
                self._heard[room].end(conn_id)
                self._update(room)

    def on_voices(self, voices: SaidVoices) -> None:
        """Take what another node says; of rooms that nobody here is connected to, nothing."""
        room = voices.room
        if voices.node == self._node or not self._audience.count(room):
            return
        if voices.user_ids or room in self._heard:
            until_ms = self._monotonic_ms() + BELIEVE_MS
            self._heard[room].hear(voices, until_ms)
            self._update(room)

    def observe(self, edition: Edition, before: Edition | None) -> None:
        """Follow seats and mutes; after ``Occupied`` has learnt of the edition."""
        room = edition.room
        if room in self._heard:
            self._heard[room].keep_only(self._occupied.of(room).keys())
            self._update(room)

    def current(self, room: str) -> bytes | None:
        """Give the message for somebody who has just come; None while nobody speaks."""
        seats = self._shown.get(room)
        return self._message(room, seats) if seats else None

    async def run(self) -> None:
        """Say what is due until cancelled."""
        await forever(self._tasks, self.step, lambda: STEP_S, self._sleep)

    async def step(self) -> None:
        """Forget what other nodes no longer say, and say what is due, here and to them."""
        now_ms = self._monotonic_ms()
        for room, heard in tuple(self._heard.items()):
            if heard.expire(now_ms):
                self._update(room)
        for room in tuple(self._changed):
            self._show(room)
        works = (self._tell_nodes(room) for room in self._to_say(now_ms))
        log_refused("speakers were not told", await apart(self._tasks, works, ROOMS_AT_ONCE))
        self._tidy(now_ms)

    def _update(self, room: str) -> None:
        """Show a room anew, now or as soon as its last message is long enough ago."""
        if room in self._heard and self._heard[room].is_silent:
            del self._heard[room]
        self._changed[room] = None
        self._show(room)

    def _show(self, room: str) -> None:
        now_ms = self._monotonic_ms()
        seats = self._seats(room)
        if seats == self._shown.get(room, ()):
            del self._changed[room]
        elif now_ms - self._shown_at_ms.get(room, _NEVER_MS) >= SPACING_MS:
            del self._changed[room]
            self._shown_at_ms[room] = now_ms
            self._shown[room] = seats
            self._audience.say(room, SLOT, self._message(room, seats))

    def _seats(self, room: str) -> tuple[int, ...]:
        """List the seats that speak and may be heard."""
        if room not in self._heard:
            return ()
        speakers = self._heard[room].everybody()
        occupants = self._occupied.of(room).items()
        return tuple(
            sorted(
                one.seat_index
                for user_id, one in occupants
                if user_id in speakers and not one.is_silenced
            )
        )

    def _to_say(self, now_ms: int) -> list[str]:
        """List the rooms of which the other nodes are to hear: changed, or to be repeated."""
        rooms = dict.fromkeys((*self._heard, *self._said))
        return [room for room in rooms if self._is_to_be_said(room, now_ms)]

    def _is_to_be_said(self, room: str, now_ms: int) -> bool:
        here = self._here(room)
        since_ms = now_ms - self._said_at_ms.get(room, _NEVER_MS)
        if here != self._said.get(room, ()):
            return since_ms >= SPACING_MS
        return bool(here) and since_ms >= REPEAT_MS

    async def _tell_nodes(self, room: str) -> None:
        here = self._here(room)
        self._said[room] = here
        self._said_at_ms[room] = self._monotonic_ms()
        await self._bus.speak(SaidVoices(self._node, room, here))

    def _here(self, room: str) -> tuple[str, ...]:
        return self._heard[room].here if room in self._heard else ()

    def _message(self, room: str, seats: tuple[int, ...]) -> bytes:
        return wire.encode(SpeakingMessage(room=room, seats=seats, ts=self._clock_ms()))

    def _leave(self, conn_id: str, room: str) -> None:
        rooms = self._rooms_of.get(conn_id)
        if rooms is not None:
            rooms.discard(room)
            if not rooms:
                del self._rooms_of[conn_id]

    def _tidy(self, now_ms: int) -> None:
        """Forget rooms where all is said and silent."""
        for room, seats in tuple(self._shown.items()):
            quiet = now_ms - self._shown_at_ms[room] >= SPACING_MS
            if not seats and quiet and room not in self._changed:
                del self._shown[room], self._shown_at_ms[room]
        for room, here in tuple(self._said.items()):
            if not here and now_ms - self._said_at_ms[room] >= SPACING_MS:
                del self._said[room], self._said_at_ms[room]
