"""One time line for a stream, whatever its input does: reconnects, jumps, wraps. Pure.

All tracks share an offset between the times of the input and ours, so that sound and picture stay
together. A jump shows at a different packet of each track: the first track that jumps finds a new
offset, the others take it over when they jump to about the same place.
"""

from __future__ import annotations

from typing import Final, NamedTuple

BACK_US: Final = 1_000_000
"""Back by more than this is a new start; by less it is jitter."""
AHEAD_US: Final = 10_000_000
"""Ahead of all tracks by more than this is no gap any more."""
TOGETHER_US: Final = 2_000_000
"""So near to the newest time may a track land with another's offset."""
MAX_COMPOSITION_US: Final = 10_000_000
MAX_DURATION_US: Final = 10_000_000


class Times(NamedTuple):
    """When a packet is decoded and shown, in µs of the output; the first is at 0."""

    dts_us: int
    pts_us: int
    repaired: bool
    """Whether more than the offset in force had to change."""


class _Line:
    """The times of one track."""

    __slots__ = ("last_us", "offset_us")

    def __init__(self, offset_us: int) -> None:
        self.offset_us = offset_us
        self.last_us: int | None = None


class StreamClock:
    """Places packets; decoding times of a track rise always."""

    def __init__(self) -> None:
        self._lines: Final[dict[int, _Line]] = {}
        self._offset_us: int | None = None
        self._head_us: int | None = None
        self._start_us = self._end_us = 0

    def restart(self) -> None:
        """Take what comes next for another life of the input, to follow on what was placed."""
        self._offset_us = None

    def place(self, track: int, dts_us: int, pts_us: int | None, duration_us: int) -> Times | None:
        """Give the times of a packet; call in the order of the input.

        Args:
            track: whose packet it is.
            dts_us: of the input; any number.
            pts_us: of the input; None: as decoded.
            duration_us: 0 where it is not known.

        Returns:
            Its times; None for a packet from before this life's first one, which has no place.
        """
        line, repaired = self._line(track, dts_us)
        decoded_us = dts_us + line.offset_us
        if decoded_us < self._start_us:
            return None
        if line.last_us is not None and decoded_us <= line.last_us:
            decoded_us, repaired = line.last_us + 1, True
        line.last_us = decoded_us
        composition_us = 0 if pts_us is None else pts_us + line.offset_us - decoded_us
        if not 0 <= composition_us <= MAX_COMPOSITION_US:
            composition_us = 0
        self._head_us = max(decoded_us, self._head_us or 0)
        end_us = decoded_us + min(max(1, duration_us), MAX_DURATION_US)
        self._end_us = max(self._end_us, end_us)
        return Times(decoded_us, decoded_us + composition_us, repaired)

    def _line(self, track: int, dts_us: int) -> tuple[_Line, bool]:
        if self._offset_us is None:  # the first packet of a life
            self._offset_us = self._end_us - dts_us
            self._start_us = self._end_us
            for known in self._lines.values():
                known.offset_us = self._offset_us
        line = self._lines.get(track)
        if line is None:
            line = self._lines[track] = _Line(self._offset_us)
        if not self._jumps(line, dts_us):
            return line, False
        if abs(dts_us + self._offset_us - self._end_us) > TOGETHER_US:
            self._offset_us = self._end_us - dts_us
        line.offset_us = self._offset_us
        return line, True

    def _jumps(self, line: _Line, dts_us: int) -> bool:
        if self._head_us is None:
            return False
        decoded_us = dts_us + line.offset_us
        floor_us = self._head_us - AHEAD_US if line.last_us is None else line.last_us - BACK_US
        return not floor_us <= decoded_us <= self._head_us + AHEAD_US
