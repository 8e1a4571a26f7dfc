"""What became of a file, and how far the work on it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

Progress = Callable[[int, int], None]
"""Takes bytes done and bytes in all; called every so often, and at the end."""

_STEPS: Final = 200
_LEAST_STEP_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """Counts over one file."""

    access_units: int
    """Video packets; field-coded streams have two a frame."""
    injected: int
    removed: int
    """Messages with our UUID that were there before."""
    duration_s: float
    """Stream time of the video."""
    dropped_streams: tuple[str, ...]
    """Streams that the output container cannot hold, as ``index:type``."""


class Meter:
    """Tells a progress callable how much of a file has been read, a hundred times or so.

    Args:
        size_bytes: of the whole file; 0 where nobody knows.
        progress: told; None: nobody is.
    """

    def __init__(self, size_bytes: int, progress: Progress | None) -> None:
        self._total_bytes = size_bytes
        self._progress = progress
        self._step_bytes = max(size_bytes // _STEPS, _LEAST_STEP_BYTES)
        self.next_bytes: float = inf if progress is None else self._step_bytes
        """When ``tell`` is due; a copy loop compares, and calls it seldom."""

    def tell(self, done_bytes: int) -> None:
        """Take how far it is."""
        self.next_bytes = done_bytes + self._step_bytes
        if self._progress is not None:
            self._progress(min(done_bytes, self._total_bytes), self._total_bytes)

    def finish(self) -> None:
        """Tell that all of it was read."""
        if self._progress is not None:
            self._progress(self._total_bytes, self._total_bytes)
