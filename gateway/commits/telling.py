"""Telling the other nodes what was changed here."""

from __future__ import annotations

import logging

from gateway.loop.tasks import Tasks
from room.errors import Unavailable
from store.bus import Bus, LocalBus, Notice

log = logging.getLogger(__name__)


class Telling:
    """Sends notices without keeping anybody waiting.

    While one is on its way for a document, later ones of it become one more: a notice says only
    that there is something to read.
    """

    def __init__(self, bus: Bus, tasks: Tasks) -> None:
        self._bus = bus
        self._tasks = tasks
        self._is_alone = isinstance(bus, LocalBus)
        self._under_way: dict[Notice, bool] = {}
        """Notices on their way, and whether another is to follow."""

    def room(self, room: str) -> None:
        """Tell that a room was committed here."""
        self.tell(Notice(room, "state"))

    def tell(self, notice: Notice) -> None:
        """Tell that a document was committed here."""
        if self._is_alone:
            return
        if notice in self._under_way:
            self._under_way[notice] = True
            return
        self._under_way[notice] = False
        self._tasks.spawn(self._send(notice))

    async def _send(self, notice: Notice) -> None:
        """Send it, and once more if there was a change meanwhile; who misses it compares later."""
        try:
            while True:
                self._under_way[notice] = False
                await self._bus.notify(notice)
                if not self._under_way[notice]:
                    return
        except Unavailable as error:
            log.warning("a notice was not sent", extra={"room": notice.room, "cause": repr(error)})
        finally:
            del self._under_way[notice]
