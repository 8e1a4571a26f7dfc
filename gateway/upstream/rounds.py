"""Reads again, each TTL, what somebody follows here."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from gateway.presence.pace import forever
from gateway.presence.ports import Sleep
from gateway.tasks import Tasks

STEP_S: Final = 0.1
READS_AT_ONCE: Final = 64

Key = tuple[str, str]


class Documents(Protocol):
    """What comes from upstreams."""

    def __contains__(self, doc: object) -> bool:
        """Tell whether a document comes from an upstream."""
        ...

    def due_at_s(self, key: Any) -> float:
        """Tell when a document is to be read again if somebody follows it."""
        ...

    def renew(self, key: Any) -> asyncio.Task[Any]:
        """Read a document, or join the read that is under way."""
        ...


class Hub(Protocol):
    """What somebody follows here."""

    def followed(self) -> Sequence[Key]:
        """List what is followed here."""
        ...


class Rounds:
    """Keeps what is followed fresh; O(followed) a step.

    However many follow a document, it is read once a TTL, together with those who poll it. Where
    reads take longer than there is time, those that have waited longest come first.

    Args:
        documents: of upstreams.
        hub: knows what is followed.
        tasks: reports what goes wrong unexpectedly.
        clock_s: monotonic.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        documents: Documents,
        hub: Hub,
        tasks: Tasks,
        *,
        clock_s: Callable[[], float],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._documents = documents
        self._hub = hub
        self._tasks = tasks
        self._clock_s = clock_s
        self._sleep = sleep
        self._reading: set[Key] = set()

    async def run(self) -> None:
        """Go round until cancelled."""
        await forever(self._tasks, self._step, lambda: STEP_S, self._sleep)

    def begin_reads(self) -> None:
        """Read what is due, as far as there is room for it; what fails is its reader's business."""
        free = READS_AT_ONCE - len(self._reading)
        if free <= 0:
            return
        now_s = self._clock_s()
        waits = (
            (self._documents.due_at_s(key), key)
            for key in self._hub.followed()
            if key[1] in self._documents and key not in self._reading
        )
        due = (wait for wait in waits if wait[0] <= now_s)
        for _, key in heapq.nsmallest(free, due):
            self._reading.add(key)
            self._documents.renew(key).add_done_callback(partial(self._ended, key))

    def _ended(self, key: Key, _: asyncio.Task[Any]) -> None:
        self._reading.discard(key)

    async def _step(self) -> None:
        self.begin_reads()
