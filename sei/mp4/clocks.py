"""When each sample is decoded and for how long it lasts, said before the next one is known.

A fragment holds one sample and goes out at once, so its duration is a guess; the decode time of
the next fragment stands by itself and puts it right. Browsers take a decode time that is more than
two stated durations after the last for a break, and show nothing until the next keyframe (W3C
Media Source Extensions, coded frame processing): these clocks keep them from it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PICTURE_TIMESCALE: Final = 1000
"""FLV counts milliseconds: its times are kept as they are, so nothing drifts."""
_FIRST_DURATION_MS: Final = 40
_MAX_DURATION_MS: Final = 500
"""Streams down to one picture a second fit in. What is said too long shows up as buffered only."""
_MAX_LAG_MS: Final = 3000
_WRAP: Final = 1 << 32
_EASE: Final = 64
_MAX_EASED_MS: Final = 150
"""Sound and picture of an input seldom end together: so much sound may lack where it begins again.
A larger hole stays one, and a page with a bare MediaSource has to jump it."""


class Placed(NamedTuple):
    """A sample on the time line of its track."""

    decoded: int
    duration: int


class Unwrapped:
    """Makes times that wrap at 2^32 ms go on."""

    def __init__(self) -> None:
        self._last_ms: int | None = None

    def place(self, timestamp_ms: int) -> int:
        """Give the time without its wrap; a small step back is one."""
        last = timestamp_ms if self._last_ms is None else self._last_ms
        step = (timestamp_ms - last + _WRAP // 2) % _WRAP - _WRAP // 2
        self._last_ms = max(last + step, 0)
        return self._last_ms


class PictureClock:
    """Places pictures, in ms.

    After a pause the decode time is held back to two durations and catches up later: the picture
    is shown at its time all the same, since its composition offset grows by as much.
    """

    def __init__(self) -> None:
        self._true_ms: int | None = None
        self._placed: Placed | None = None

    def place(self, decoded_ms: int) -> Placed:
        """Say where a picture goes that was to be decoded at some time."""
        last, true_ms = self._placed, self._true_ms
        if last is None or true_ms is None:
            placed = Placed(decoded_ms, _FIRST_DURATION_MS)
        else:
            step = min(decoded_ms - true_ms, _MAX_DURATION_MS)
            # The longest of late, since pictures may come in pairs or unevenly.
            duration = max(step, last.duration - last.duration // 8 - 1, 1)
            at = max(min(decoded_ms, last.decoded + 2 * last.duration), last.decoded)
            placed = Placed(decoded_ms if abs(decoded_ms - at) > _MAX_LAG_MS else at, duration)
        self._true_ms, self._placed = decoded_ms, placed
        return placed


class SoundClock:
    """Places frames of sound, in samples: one after the other, as long as the times agree.

    Times in ms are too coarse to lay frames end to end. The small difference is eased away, so
    that a source whose clock drifts is followed with no hole.

    Args:
        rate_hz: samples in a second.
        frame_samples: samples in a frame.
    """

    def __init__(self, rate_hz: int, frame_samples: int) -> None:
        self._rate_hz: Final = rate_hz
        self._frame_samples: Final = frame_samples
        self._next: int | None = None

    def place(self, decoded_ms: int) -> Placed:
        """Say where a frame goes that was to be decoded at some time."""
        at = (decoded_ms * self._rate_hz + 500) // 1000
        if self._next is not None:
            error = at - self._next
            is_far = -1000 * error > _MAX_LAG_MS * self._rate_hz
            if 1000 * error < _MAX_EASED_MS * self._rate_hz and not is_far:  # else there is a hole
                at = self._next + int(max(error, -self._frame_samples) / _EASE)
        self._next = at + self._frame_samples
        return Placed(at, self._frame_samples)
