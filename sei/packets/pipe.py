"""Bytes on their way from the event loop to the thread that demuxes them."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Final

from sei.errors import SourceFailed
from sei.ration import Ration

MAX_WAITING_BYTES: Final = 2 * 1024 * 1024
_SHARE: Final = 0.4
_BURST_S: Final = 1.0
"""A segment, or what a server sends at its beginning, comes at once."""


class BytePipe:
    """A file that one thread reads while the loop writes; it holds what fits its bound, no more.

    An error of the input is kept, not raised, where the thread reads: it comes to light when the
    demuxer is done with what came before it.

    Args:
        max_waiting_bytes: above this the loop waits.
        ration: of work in the thread that reads; None for an input that is not live.
    """

    def __init__(
        self, *, max_waiting_bytes: int = MAX_WAITING_BYTES, ration: Ration | None = None
    ) -> None:
        self._max_waiting_bytes: Final = max_waiting_bytes
        self._ration: Final = ration
        self._loop: Final = asyncio.get_running_loop()
        self._room: Final = asyncio.Event()
        self._changed: Final = threading.Condition()
        self._chunks: Final[deque[memoryview]] = deque()
        self._ended = False
        self.failure: Exception | None = None
        """What the input broke off with."""
        self.waiting_bytes = 0

    async def put(self, chunk: bytes) -> None:
        """Write bytes; waits while too much waits. Cancelling it may lose the chunk."""
        if not chunk:
            return
        with self._changed:
            if self._ended:
                return
            self._chunks.append(memoryview(chunk))
            self.waiting_bytes += len(chunk)
            if self.waiting_bytes > self._max_waiting_bytes:
                self._room.clear()
            else:
                self._room.set()
            self._changed.notify()
        await self._room.wait()

    def end(self, failure: Exception | None = None) -> None:
        """Say that no more will come, and why where it is no plain end."""
        with self._changed:
            self._ended = True
            self.failure = self.failure or failure
            self._changed.notify()

    @property
    def is_over(self) -> bool:
        """Whether nothing more can be read."""
        return self._ended and not self._chunks

    def abandon(self) -> None:
        """Give up what waits and wake both sides; from any thread, more than once."""
        with self._changed:
            self._ended = True
            self._chunks.clear()
            self.waiting_bytes = 0
            self._changed.notify()
        self._make_room()

    def read(self, size: int) -> bytes:
        """Give at most ``size`` bytes as soon as there are any; none at the end."""
        if self._ration is not None:
            self._rest(self._ration)
        with self._changed:
            while not self._chunks:
                if self._ended:
                    return b""
                self._changed.wait()
            first = self._chunks.popleft()
            if len(first) > size:
                self._chunks.appendleft(first[size:])
                first = first[:size]
            before = self.waiting_bytes
            self.waiting_bytes -= len(first)
            half = self._max_waiting_bytes // 2
            has_room_again = self.waiting_bytes <= half < before
        if has_room_again:
            self._make_room()
        if self._ration is not None:
            self._ration.begin()
        return bytes(first)

    def _rest(self, ration: Ration) -> None:
        """Rest after what was done since the last piece, unless all is given up meanwhile."""
        with self._changed:
            if (rest_s := ration.end()) is not None:
                self._changed.wait_for(lambda: self._ended and not self._chunks, rest_s)

    def _make_room(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._room.set)
        except RuntimeError as error:  # the loop is closed
            self.failure = self.failure or SourceFailed(f"the input ended: {error}")


def live_ration() -> Ration:
    """Make what bounds the work of one life of a live input in the engine's thread."""
    return Ration(_SHARE, _BURST_S)
