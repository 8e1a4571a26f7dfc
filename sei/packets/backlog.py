"""How much waits for whoever takes it in the end: the loop, a disk, a pipe."""

from __future__ import annotations

import threading
from typing import Final

from sei.counts import Counts
from sei.packets.layout import Item

MAX_WAITING_BYTES: Final = 16 * 1024 * 1024
_LOOK_S: Final = 0.2


class Backlog:
    """Bytes on their way between threads.

    Args:
        stop: ends every wait.
        max_waiting_bytes: more than this is too much; half of it is little again.
    """

    def __init__(
        self, stop: threading.Event, *, max_waiting_bytes: int = MAX_WAITING_BYTES
    ) -> None:
        self._stop: Final = stop
        self._max_waiting_bytes: Final = max_waiting_bytes
        self._changed: Final = threading.Condition()
        self.waiting_bytes = 0

    @property
    def is_high(self) -> bool:
        """Whether too much waits."""
        return self.waiting_bytes > self._max_waiting_bytes

    @property
    def is_low(self) -> bool:
        """Whether there is room enough to go on after too much waited."""
        return self.waiting_bytes <= self._max_waiting_bytes // 2

    def add(self, size: int) -> None:
        """Count what begins to wait."""
        with self._changed:
            self.waiting_bytes += size

    def remove(self, size: int) -> None:
        """Count what was taken."""
        with self._changed:
            self.waiting_bytes -= size
            self._changed.notify_all()

    def wait_until_low(self) -> None:
        """Wait until little waits, or all is to stop."""
        with self._changed:
            while not self.is_low and not self._stop.is_set():
                self._changed.wait(_LOOK_S)


class Gate:
    """Says which packets an output leaves out when it is behind: all up to a keyframe.

    Args:
        backlog: of the output.
        counts: of the stream.
        waits: nothing is left out and the input waits; for files that are read unpaced.
    """

    def __init__(self, backlog: Backlog, counts: Counts, *, waits: bool) -> None:
        self._backlog: Final = backlog
        self._counts: Final = counts
        self._waits: Final = waits
        self._closed = False

    def admits(self, item: Item) -> bool:
        """Tell whether the output is to take a packet."""
        if self._backlog.is_high:
            if self._waits:
                self._backlog.wait_until_low()
                return True
            self._closed = True
        if self._closed and item.is_keyframe and self._backlog.is_low:
            self._closed = False
        self._counts.dropped += self._closed
        return not self._closed
