"""Reads again, each TTL, what somebody follows here."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from gateway.loop.tasks import Tasks
from gateway.presence.pace import forever
from gateway.presence.ports import Sleep

STEP_S: Final = 0.1
SCAN_S: Final = 0.25
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

    def is_followed(self, key: Any) -> bool:
        """Tell whether anybody here follows a document."""
        ...

    def followed(self) -> Sequence[Key]:
        """List what is followed here."""
        ...


class Rounds:
    """Keeps what is followed fresh; a step costs O(log followed) for each document that is due.

    However many follow a document, it is read once a TTL, together with those who poll it. Where
    reads take longer than there is time, those that have waited longest come first. What nobody
    followed before is found within ``SCAN_S``; whoever follows it has read it just then.

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
        self._scan_at_s = float("-inf")
        self._due: list[tuple[float, Key]] = []
        """A heap: what waits for its time, each key once."""
        self._known: set[Key] = set()
        """What waits, or is being read."""
        self._reading = 0

    async def run(self) -> None:
        """Go round until cancelled."""
        await forever(self._tasks, self._step, lambda: STEP_S, self._sleep)

    def begin_reads(self) -> None:
        """Read what is due, as far as there is room for it; what fails is its reader's business."""
        now_s = self._clock_s()
        if now_s >= self._scan_at_s:
            self._scan_at_s = now_s + SCAN_S
            self._scan()
        while self._due and self._due[0][0] <= now_s and self._reading < READS_AT_ONCE:
            self._visit(heapq.heappop(self._due)[1], now_s)

    def _scan(self) -> None:
        """Find what somebody follows now and nobody did before; O(followed)."""
        for key in self._hub.followed():
            if key[1] in self._documents and key not in self._known:
                self._known.add(key)
                self._wait(key)

    def _wait(self, key: Key) -> None:
        heapq.heappush(self._due, (self._documents.due_at_s(key), key))

    def _visit(self, key: Key, now_s: float) -> None:
        if not self._hub.is_followed(key):
            self._known.discard(key)
        elif self._documents.due_at_s(key) > now_s:  # a poller was faster
            self._wait(key)
        else:
            self._reading += 1
            self._documents.renew(key).add_done_callback(partial(self._ended, key))

    def _ended(self, key: Key, _: asyncio.Task[Any]) -> None:
        self._reading -= 1
        self._wait(key)

    async def _step(self) -> None:
        self.begin_reads()
