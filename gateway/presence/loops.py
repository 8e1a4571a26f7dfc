"""The parts of presence, bundled: what a node is told, and the loops that it runs."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from gateway.loop.tasks import Tasks
from gateway.presence.deadlines import Deadlines
from gateway.presence.keeper import LeaseKeeper
from gateway.presence.occupied import Occupied
from gateway.presence.online import OnlineCounter
from gateway.presence.ports import Audience, Rooms, Sleep
from gateway.presence.present import Presence
from gateway.presence.reaper import Reaper
from gateway.presence.tenure import Tenure
from gateway.presence.voices import Voices
from room.snapshot import Edition
from store.bus import Bus
from store.bus import Voices as SaidVoices
from store.port import Clock


class PresenceLoops:
    """Who is there, who is gone, who speaks, and what runs out, at one node.

    Args:
        tenure: leases and claims; the committer has the same one.
        occupied: who sits where; the tenure has the same one.
        bus: the way to the other nodes.
        rooms: where the server's own commands go.
        audience: the push connections of this node.
        tasks: owns each step, and reports what is unexpected.
        node: name of this node among the others.
        clock_ms: wall clock.
        monotonic_ms: a clock that never jumps.
        rng: spreads what several nodes do.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        tenure: Tenure,
        occupied: Occupied,
        bus: Bus,
        rooms: Rooms,
        audience: Audience,
        tasks: Tasks,
        *,
        node: str,
        clock_ms: Clock,
        monotonic_ms: Clock,
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.occupied: Final = occupied
        self.presence: Final = Presence(occupied, audience)
        self.keeper: Final = LeaseKeeper(
            tenure, occupied, self.presence, rooms, tasks, rng=rng, sleep=sleep
        )
        self.reaper: Final = Reaper(
            tenure,
            occupied,
            self.presence,
            rooms,
            tasks,
            clock_ms=clock_ms,
            monotonic_ms=monotonic_ms,
            rng=rng,
            sleep=sleep,
        )
        self.deadlines: Final = Deadlines(rooms, tasks, clock_ms=clock_ms, rng=rng, sleep=sleep)
        self.counter: Final = OnlineCounter(bus, audience, tasks, node=node, sleep=sleep)
        self.voices: Final = Voices(
            occupied,
            audience,
            bus,
            tasks,
            node=node,
            clock_ms=clock_ms,
            monotonic_ms=monotonic_ms,
            sleep=sleep,
        )

    def observe(self, edition: Edition, before: Edition | None) -> None:
        """Learn of a newer edition of a room, whichever way it came."""
        self.occupied.observe(edition, before)
        self.presence.observe(edition, before)
        self.voices.observe(edition, before)
        self.deadlines.observe(edition, before)

    def touch(self, room: str, user_id: str) -> None:
        """Note an authenticated poll, command or new connection of a user in a room; O(1)."""
        self.presence.touch(room, user_id)

    def speak(self, room: str, user_id: str, conn_id: str, *, on: bool) -> None:
        """Take what a caller says of themselves.

        Raises:
            Refused: ``NOT_ON_SEAT``.
        """
        self.voices.set(room, user_id, conn_id, on)

    def gone(self, conn_id: str) -> None:
        """A connection is closed."""
        self.voices.gone(conn_id)

    def came(self, room: str) -> None:
        """A connection has entered a room; it hears of the others within 5 s."""
        self.counter.came(room)

    def speaking(self, room: str) -> bytes | None:
        """Give the ``speaking`` message for a new connection; None while nobody speaks."""
        return self.voices.current(room)

    def on_voices(self, voices: SaidVoices) -> None:
        """Take what another node says; for the listener of the bus."""
        self.voices.on_voices(voices)

    async def run(self) -> None:
        """Run every loop until cancelled; no failed step ends one."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keeper.run(), name="lease keeper")
            group.create_task(self.reaper.run(), name="reaper")
            group.create_task(self.deadlines.run(), name="deadlines")
            group.create_task(self.counter.run(), name="online counter")
            group.create_task(self.voices.run(), name="voices")
