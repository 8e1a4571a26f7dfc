"""A stream written down as FLV: into a file, or to standard output.

A thread writes, so that a slow disk or pipe holds nobody else up. What waits for it is bounded:
past the bound a live stream goes on at the next keyframe, while a file that is read as fast as
possible waits (``drained``). An FLV file is readable at every moment of its life.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO, Final

from sei.errors import BadMedia
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, file_header

_log: Final = logging.getLogger(__name__)
MAX_PENDING_BYTES: Final = 32 * 1024 * 1024
LOW_BYTES: Final = 4 * 1024 * 1024
CLOSE_S: Final = 5.0
_KINDS: Final = (SCRIPT, VIDEO, AUDIO)

Say = Callable[[str], None]
"""Told how the output is: ``live``, or what went wrong with its code."""


class FlvFile:
    """An output of tags that is written by a thread of its own.

    Args:
        name: for logs and errors.
        open_target: opens what is written to; called in the thread.
        say: told of its state.
        max_pending_bytes: of what waits; more makes a live stream go on at the next keyframe.
    """

    def __init__(
        self,
        name: str,
        open_target: Callable[[], BinaryIO],
        say: Say,
        *,
        max_pending_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self._name: Final = name
        self._open_target: Final = open_target
        self._say: Final = say
        self._max_pending_bytes: Final = max_pending_bytes
        self._configuration: Final[dict[int, bytes]] = {}
        self._pending: Final[deque[bytes]] = deque()
        self._changed: Final = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._low = asyncio.Event()
        self._thread: Final = threading.Thread(target=self._write_all, name=f"write {name}")
        self._began = self._waits_for_keyframe = True
        self._closing = self._failed = False
        self.pending_bytes = 0
        self.skips = 0
        """How often what waited was too much."""

    def start(self) -> None:
        """Begin to write; to be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._low.set()
        self._thread.start()

    def publish(self, tags: Sequence[StreamTag]) -> None:
        """Queue tags; never waits."""
        if self._failed or self._closing:
            return
        batch = [part for tag in tags for part in self._parts(tag)]
        if not batch:
            return
        with self._changed:
            self._pending.append(b"".join(batch))
            self.pending_bytes += len(self._pending[-1])
            if self.pending_bytes > LOW_BYTES:
                self._low.clear()
            self._changed.notify()

    def break_off(self) -> None:
        """Hear that the input broke off: go on with a keyframe."""
        self._waits_for_keyframe = True

    async def drained(self) -> None:
        """Wait until little waits; at once where the output has failed."""
        await self._low.wait()

    async def close(self) -> None:
        """Write what waits, within a bound, and close the target."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is None:
            return
        await asyncio.to_thread(self._thread.join, CLOSE_S)
        if self._thread.is_alive():
            _log.error(
                "%s takes nothing; its last %d bytes are lost", self._name, self.pending_bytes
            )

    def _parts(self, tag: StreamTag) -> list[bytes]:
        """Say what a tag adds: nothing before the first keyframe, and all it needs with it."""
        if tag.is_configuration:
            self._configuration[tag.kind] = tag.encoded
            return [] if self._waits_for_keyframe else [tag.encoded]
        if self.pending_bytes > self._max_pending_bytes and not self._waits_for_keyframe:
            self._waits_for_keyframe = True
            self.skips += 1
        if not self._waits_for_keyframe:
            return [tag.encoded]
        if not tag.is_keyframe or self.pending_bytes > self._max_pending_bytes:
            return []
        self._waits_for_keyframe = False
        header = []
        if self._began:
            self._began = False
            header = [file_header(has_audio=AUDIO in self._configuration, has_video=True)]
        known = [self._configuration[kind] for kind in _KINDS if kind in self._configuration]
        return [*header, *known, tag.encoded]

    def _write_all(self) -> None:
        try:
            with self._open_target() as target:
                self._tell("live")
                whole_bytes = 0
                while (chunk := self._take()) is not None:
                    _write(target, chunk, whole_bytes)
                    whole_bytes += len(chunk)
                    self._took(len(chunk))
        except OSError as error:
            self._fail(f"UNAVAILABLE: cannot be written: {error.strerror or type(error).__name__}")
        except BadMedia as error:
            self._fail(f"{error.code}: {error.message}")

    def _take(self) -> bytes | None:
        with self._changed:
            while not self._pending:
                if self._closing:
                    return None
                self._changed.wait()
            return self._pending.popleft()

    def _took(self, size: int) -> None:
        with self._changed:
            self.pending_bytes -= size
            low = self.pending_bytes <= LOW_BYTES
        if low and not self._low.is_set():
            self._call(self._low.set)

    def _fail(self, what: str) -> None:
        _log.error("%s: %s", self._name, what)
        self._failed = True
        with self._changed:
            self._pending.clear()
            self.pending_bytes = 0
        self._call(self._low.set)
        self._tell(what)

    def _tell(self, what: str) -> None:
        self._call(lambda: self._say(what))

    def _call(self, what: Callable[[], None]) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(what)


def _write(target: BinaryIO, chunk: bytes, whole_bytes: int) -> None:
    """Write whole tags; where they do not fit nothing of them stays."""
    try:
        left = memoryview(chunk)
        while left:
            left = left[target.write(left) :]
        target.flush()
    except OSError:
        with suppress(OSError):  # a pipe, which cannot take anything back
            os.ftruncate(target.fileno(), whole_bytes)
        raise
