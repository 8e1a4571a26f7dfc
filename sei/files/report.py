"""What became of a file, and how far the work on it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int], None]
"""Takes bytes done and bytes in all; called every so often, and at the end."""


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
    """Tells a progress callable how much of a file has been read.

    Args:
        size_bytes: of the whole file; 0 where nobody knows.
        progress: told; None: nobody is.
    """

    def __init__(self, size_bytes: int, progress: Progress | None) -> None:
        self._total_bytes = size_bytes
        self._progress = progress
        self._done_bytes = 0

    def tell(self, position: int | None) -> None:
        """Take where in the file a packet stood; it may lie before the one told last."""
        self._done_bytes = max(self._done_bytes, min(position or 0, self._total_bytes))
        if self._progress is not None:
            self._progress(self._done_bytes, self._total_bytes)

    def finish(self) -> None:
        """Tell that all of it was read."""
        self.tell(self._total_bytes)
