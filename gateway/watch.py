"""Keeps what a node holds up with what others commit: notices hint, the key is the truth."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from gateway.loop.tasks import Tasks
from gateway.presence.pace import attempt, forever
from gateway.presence.ports import Sleep
from gateway.push.mailbox import Key
from room.errors import SeatsyncError, Unavailable, Unreadable
from room.names import is_external
from room.snapshot import Published
from store.bus import Bus, LocalBus, Notice, Voices

log = logging.getLogger(__name__)

COMPARE_S: Final = 5.0
SPREAD: Final = 0.2
READS_AT_ONCE: Final = 64
COMPARED_AT_ONCE: Final = 2000
"""Documents that a comparison takes up before others of the loop have their turn."""
LISTEN_AGAIN_S: Final = 1.0


class Rooms(Protocol):
    """What this node holds, and the way to the truth."""

    def held(self, room: str, doc: str = "state") -> Published | None:
        """Give what this node holds of a document, however old."""
        ...

    def forget_missing(self, room: str, doc: str = "state") -> None:
        """Believe no longer that a document is not there."""
        ...

    async def refresh(self, room: str, doc: str = "state") -> None:
        """Read a document once more, by a read that begins after this call.

        Raises:
            SeatsyncError: it is not there.
            Unavailable: the store does not answer.
        """
        ...


class Hub(Protocol):
    """What somebody follows here."""

    def is_followed(self, key: Key) -> bool:
        """Tell whether anybody here follows a document."""
        ...

    def followed(self) -> Sequence[Key]:
        """List what is followed here."""
        ...


class Watch:
    """The listener of the bus: reads again what may stand elsewhere than this node holds it.

    A document is read by one read at a time; however many notices come meanwhile, one more
    follows. Bounded by what is held or followed here: a notice of anything else is dropped. While
    the store is away what waits is dropped too, and the next comparison has it. What comes from an
    upstream (``is_stored`` says no) is not read here.
    """

    def __init__(
        self,
        bus: Bus,
        rooms: Rooms,
        hub: Hub,
        tasks: Tasks,
        *,
        on_voices: Callable[[Voices], None],
        rng: random.Random,
        sleep: Sleep = asyncio.sleep,
        is_stored: Callable[[str], bool] = lambda doc: True,
    ) -> None:
        self._bus = bus
        self._rooms = rooms
        self._hub = hub
        self._tasks = tasks
        self._on_voices = on_voices
        self._rng = rng
        self._sleep = sleep
        self._is_stored = is_stored
        self._waiting: OrderedDict[Key, None] = OrderedDict()
        self._reading: set[Key] = set()
        self._is_gap_open = False

    def __len__(self) -> int:
        """Count the documents that are read, or wait for it."""
        return len(self._waiting.keys() | self._reading)

    def on_notice(self, notice: Notice) -> None:
        """Read a document again, if anybody here has a use for it."""
        if not self._is_stored(notice.doc):
            return
        key = _source(Key(notice.room, notice.doc))
        self._rooms.forget_missing(*key)
        if self._is_watched(key):
            self._waiting[key] = None
            self._start_reads()

    def on_voices(self, voices: Voices) -> None:
        """Pass on who speaks elsewhere."""
        self._on_voices(voices)

    def on_gap(self) -> None:
        """Notices may have been lost: compare at once."""
        if not self._is_gap_open:  # a comparison that has not begun is good for this gap too
            self._is_gap_open = True
            self._tasks.spawn(self._close_gap())

    async def compare(self) -> None:
        """Read everything again that somebody follows here; what is not newer changes nothing.

        The room itself is read with each of its documents: whoever follows one of them hears of
        their requests and of what they may do.
        """
        followed = self._hub.followed()
        for first in range(0, len(followed), COMPARED_AT_ONCE):
            if first:
                await asyncio.sleep(0)
            for key in followed[first : first + COMPARED_AT_ONCE]:
                if self._is_stored(key.doc):
                    self._waiting[_source(key)] = None
                self._waiting[Key(key.room, "state")] = None
            self._start_reads()

    async def run(self) -> None:
        """Listen and compare until cancelled; a node that is alone has nothing to hear."""
        if isinstance(self._bus, LocalBus):
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen(), name="bus")
            group.create_task(
                forever(self._tasks, self.compare, self._pause_s, self._sleep), name="comparison"
            )

    def _is_watched(self, key: Key) -> bool:
        return (
            self._rooms.held(*key) is not None
            or self._hub.is_followed(key)
            or (key.doc == "state" and self._hub.is_followed(Key(key.room, "requests")))
        )

    def _start_reads(self) -> None:
        """Read what waits, as far as there is room for it."""
        free = READS_AT_ONCE - len(self._reading)
        if free <= 0:
            return
        ready = (key for key in self._waiting if key not in self._reading)
        for key in [key for key, _ in zip(ready, range(free), strict=False)]:
            del self._waiting[key]
            self._reading.add(key)
            self._tasks.spawn(self._read(key))

    async def _read(self, key: Key) -> None:
        try:
            await self._rooms.refresh(*key)
        except SeatsyncError as error:
            log.info("not refreshed", extra={"room": key.room, "doc": key.doc, "code": error.code})
            if isinstance(error, Unavailable) and not isinstance(error, Unreadable):
                self._waiting.clear()
        finally:
            self._reading.discard(key)
            self._start_reads()

    async def _listen(self) -> None:
        """Listen; a bus that gives up is listened to again, and may have missed something."""
        while True:
            await attempt(self._tasks, self._bus.run(self))
            await self._sleep(LISTEN_AGAIN_S)
            self.on_gap()

    async def _close_gap(self) -> None:
        self._is_gap_open = False
        await self.compare()

    def _pause_s(self) -> float:
        return COMPARE_S * self._rng.uniform(1 - SPREAD, 1 + SPREAD)


def _source(key: Key) -> Key:
    """Name the document that is read for another one: a room's own documents come together."""
    return key if is_external(key.doc) else Key(key.room, "state")
