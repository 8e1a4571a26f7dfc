"""Timestamps of an output that outlives its input. Pure.

The times of a source are taken as they are while they make sense. Where they do not, everything
that follows is moved by one offset, so that sound keeps its distance to the picture:

| what the source does | what comes out |
| --- | --- |
| goes on | the same distance on |
| wraps at 2^32 ms | goes on |
| jumps ahead by more than 5 s, or back | goes on 20 ms after the last time that went out |
| slips back within a track by 200 ms or less | the last time of the track again |
| begins anew, after a reconnect | its own time where that is within 150 ms ahead, else as a jump |

After a jump the tags of the other track may still be of the old time: two time lines are kept.
Configurations and script data often bear the time 0; they never move anything.
"""

from __future__ import annotations

from typing import Final

MAX_AHEAD_MS: Final = 5000
MAX_INTERLEAVE_MS: Final = 3000
"""How far a track may lie behind the other."""
MAX_SLIP_MS: Final = 200
MAX_SEAM_MS: Final = 150
"""Browsers stand still at a hole in the sound that is longer."""
STEP_MS: Final = 20
_WRAP: Final = 1 << 32
_HALF: Final = 1 << 31


class _Line:
    """A time line of the source: where its tracks are, and how far it is moved."""

    __slots__ = ("last", "offset", "tracks")

    def __init__(self, time_ms: int, offset: int) -> None:
        self.last = time_ms
        self.offset = offset
        self.tracks: Final[dict[int, int]] = {}

    def holds(self, kind: int, time_ms: int) -> int | None:
        """Give the time without wraps if it belongs here."""
        step = (time_ms - self.last + _HALF) % _WRAP - _HALF
        if not -MAX_INTERLEAVE_MS <= step <= MAX_AHEAD_MS:
            return None
        here = self.last + step
        before = self.tracks.get(kind, here)
        return None if here < before - MAX_SLIP_MS else here


class TagClock:
    """Places the tags of one output, through any number of lives of its input."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._before: _Line | None = None
        """What the last life ended with."""
        self._placed: Final[dict[int, int]] = {}
        self._front = 0
        self._has_begun = False
        self.repaired = 0
        """Times that were put right, and time lines that were joined."""

    def restart(self) -> None:
        """Hear that the input begins anew."""
        if self._lines:
            self._before = self._lines[0]
            self._lines = []

    def place(self, kind: int, time_ms: int, *, is_configuration: bool = False) -> int:
        """Give the time at which a tag goes out; never falls within a kind but for wraps at 2^32.

        Args:
            kind: of the tag.
            time_ms: its timestamp.
            is_configuration: it is script data or a configuration.
        """
        for line in self._lines:
            here = line.holds(kind, time_ms)
            if here is not None:
                break
        else:
            if is_configuration:
                return self._placed_at(kind, self._lowest(kind)) % _WRAP
            line, here = self._begin(time_ms)
        if not is_configuration:
            line.last = line.tracks[kind] = max(here, line.tracks.get(kind, here))
        return self._placed_at(kind, here + line.offset) % _WRAP

    def _placed_at(self, kind: int, out_ms: int) -> int:
        last = self._placed.get(kind)
        if last is not None and out_ms < last:
            self.repaired += 1
            out_ms = last
        self._placed[kind] = out_ms
        if out_ms > self._front:
            self._front = out_ms
        return out_ms

    def _lowest(self, kind: int) -> int:
        """Give a time that holds nothing up: the last of its kind, else the earliest of all."""
        return self._placed.get(kind, min(self._placed.values(), default=0))

    def _begin(self, time_ms: int) -> tuple[_Line, int]:
        """Add a time line that begins with a tag; the older of two is forgotten."""
        line = _Line(time_ms, self._offset(time_ms))
        self._has_begun = True
        self._before = None
        self._lines = [line, *self._lines[:1]]
        return line, time_ms

    def _offset(self, time_ms: int) -> int:
        if not self._has_begun:
            return 0
        if self._before is not None:
            ahead = (time_ms + self._before.offset - self._front + _HALF) % _WRAP - _HALF
            if 0 <= ahead <= MAX_SEAM_MS:
                return self._front + ahead - time_ms
        self.repaired += 1
        return self._front + STEP_MS - time_ms
