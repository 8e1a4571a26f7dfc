"""The playlist of a live stream that is cut into segments (RFC 8216). Pure."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Final, NamedTuple

WINDOW_SEGMENTS: Final = 6
GRACE_SEGMENTS: Final = 3
"""Kept after they left the playlist, for players that are about to fetch them (6.2.2)."""


class Segment(NamedTuple):
    """One segment, ready to be fetched."""

    name: str
    """As the playlist has it."""
    duration_s: float
    is_discontinuous: bool
    """Whether its tracks or parameters differ from those of the segment before."""
    init_name: str = ""
    """Of the initialisation segment; empty for transport streams."""


class Playlist:
    """The newest segments of a stream.

    Args:
        first_number: media sequence number of the first segment; restarts should not fall back.
        target_s: a segment is at least as long as this, as a rule.
    """

    def __init__(self, first_number: int, target_s: float) -> None:
        self._number = first_number
        self._discontinuities = 0
        self._target_s = ceil(target_s)
        self._window: Final[deque[Segment]] = deque()
        self._grace: Final[deque[Segment]] = deque()

    def add(self, segment: Segment) -> list[str]:
        """Append a segment; give the names that may be deleted now."""
        # 4.3.3.1 wants it constant; it grows where an encoder's groups of pictures do.
        self._target_s = max(self._target_s, round(segment.duration_s))
        self._window.append(segment)
        if len(self._window) <= WINDOW_SEGMENTS:
            return []
        left = self._window.popleft()
        self._number += 1
        self._discontinuities += left.is_discontinuous
        self._grace.append(left)
        if len(self._grace) <= GRACE_SEGMENTS:
            return []
        return self._forget(self._grace.popleft())

    def text(self, *, ended: bool = False) -> str:
        """Write the playlist; one that ended says so."""
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{7 if any(item.init_name for item in self._window) else 3}",
            f"#EXT-X-TARGETDURATION:{self._target_s}",
            f"#EXT-X-MEDIA-SEQUENCE:{self._number}",
        ]
        if self._discontinuities:
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._discontinuities}")
        init_name = ""
        for item in self._window:
            if item.is_discontinuous:
                lines.append("#EXT-X-DISCONTINUITY")
            if item.init_name != init_name:
                init_name = item.init_name
                lines.append(f'#EXT-X-MAP:URI="{init_name}"')
            lines += [f"#EXTINF:{item.duration_s:.6f},", item.name]
        if ended:
            lines.append("#EXT-X-ENDLIST")
        return "\n".join([*lines, ""])

    def _forget(self, gone: Segment) -> list[str]:
        used = {item.init_name for item in (*self._grace, *self._window)}
        if not gone.init_name or gone.init_name in used:
            return [gone.name]
        return [gone.name, gone.init_name]
