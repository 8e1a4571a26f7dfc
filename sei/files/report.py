"""What became of a file, and how far the work on it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sei.files.media import Media

Progress = Callable[[int, int], None]
"""Takes bytes done and bytes in all; called every so often, and at the end."""

_EVERY_PACKETS = 256


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
    """Tells a progress callable how much of a file has been read."""

    def __init__(self, media: Media, progress: Progress | None) -> None:
        self._total_bytes = media.size_bytes
        self._progress = progress
        self._done_bytes = 0
        self._packets = 0

    def add(self, size_bytes: int) -> None:
        """Count one packet."""
        self._packets += 1
        self._done_bytes = min(self._total_bytes, self._done_bytes + size_bytes)
        if self._progress is not None and self._packets % _EVERY_PACKETS == 0:
            self._progress(self._done_bytes, self._total_bytes)

    def finish(self) -> None:
        """Tell that all of it was read."""
        if self._progress is not None:
            self._progress(self._total_bytes, self._total_bytes)
