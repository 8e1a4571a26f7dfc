"""One player: what it still has to get, in references to bytes that all players share."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

PIECE_BYTES: Final = 64 * 1024
"""What is handed to the network at once: it can be skipped no more."""


class Batch(NamedTuple):
    """What was published at once, in one form."""

    blocks: tuple[bytes, ...]
    """Whole tags or fragments, in order."""
    resume: tuple[bytes, ...] = ()
    """For who waits for a keyframe: configuration, and from the last keyframe on; else empty."""


class Line(Protocol):
    """The way to a player; a transport of asyncio or uvloop is one."""

    def write(self, data: bytes | memoryview) -> None:
        """Take bytes; never waits."""
        ...

    def close(self) -> None:
        """End it once what was written is out."""
        ...


class Player:
    """A player of a live stream.

    While its line takes everything, bytes go straight to it. When it does not, references wait
    here, up to a bound; then all of them are given up for the next keyframe.

    Args:
        line: where it is.
        max_pending_bytes: how much may wait, beside what the player began with.
    """

    __slots__ = (
        "_closing",
        "_is_torn",
        "_limit_bytes",
        "_line",
        "_max_pending_bytes",
        "_paused",
        "_pending",
        "_waits",
        "pending_bytes",
        "skips",
        "written_bytes",
    )

    def __init__(self, line: Line, max_pending_bytes: int) -> None:
        self._line: Final = line
        self._max_pending_bytes: Final = max_pending_bytes
        self._limit_bytes = max_pending_bytes
        self._pending: Final[deque[bytes | memoryview]] = deque()
        self._is_torn = False
        self._paused = False
        self._closing = False
        self._waits = True
        self.pending_bytes = 0
        """What waits here; the line holds little more than one piece besides."""
        self.written_bytes = 0
        self.skips = 0
        """How often what waited was given up."""

    def begin(self, opening: Sequence[bytes], *, has_group: bool) -> None:
        """Send what a player begins with; without a group it waits for the next keyframe."""
        self._waits = not has_group
        self._limit_bytes = self._max_pending_bytes + sum(map(len, opening))
        self._queue(opening)

    def offer(self, batch: Batch) -> None:
        """Send what was published, or queue it; never waits."""
        if self._waits:
            self._resume_with(batch)
            return
        blocks = batch.blocks
        if not self._pending and not self._paused and len(blocks) == 1:
            block = blocks[0]
            if len(block) <= PIECE_BYTES:
                self.written_bytes += len(block)
                self._line.write(block)
                return
        if self._pending and self.pending_bytes + sum(map(len, blocks)) > self._limit_bytes:
            self._cut()
            self._resume_with(batch)
        else:
            self._queue(blocks)

    def pause(self) -> None:
        """Hear that the line takes no more for now."""
        self._paused = True

    def resume(self) -> None:
        """Hear that the line takes bytes again."""
        self._paused = False
        self._drain()

    def close(self) -> None:
        """End the stream for this player once it has what waits."""
        self._closing = True
        self._drain()

    def wait_for_keyframe(self) -> None:
        """Send nothing until the next keyframe: what comes does not follow what was sent."""
        self._waits = True

    def _resume_with(self, batch: Batch) -> None:
        if batch.resume:
            self._waits = False
            self._queue(batch.resume)

    def _cut(self) -> None:
        """Give up what waits, all but the rest of a block whose beginning was sent."""
        rest = [self._pending[0]] if self._is_torn else []
        self._pending.clear()
        self._pending.extend(rest)
        self.pending_bytes = sum(map(len, rest))
        self._waits = True
        self.skips += 1

    def _queue(self, blocks: Sequence[bytes]) -> None:
        self._pending.extend(blocks)
        self.pending_bytes += sum(map(len, blocks))
        self._drain()

    def _drain(self) -> None:
        pending = self._pending
        while pending and not self._paused:
            piece = pending.popleft()
            self._is_torn = len(piece) > PIECE_BYTES
            if self._is_torn:
                whole = memoryview(piece)
                pending.appendleft(whole[PIECE_BYTES:])
                piece = whole[:PIECE_BYTES]
            self.pending_bytes -= len(piece)
            self.written_bytes += len(piece)
            self._line.write(piece)
        if self._closing and not pending:
            self._line.close()
