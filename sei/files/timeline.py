"""Decoding times that never run backwards: muxers refuse a packet that does, and end the file."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

JUMP_S: Final = 1
"""Back by more than this is a new start (an encoder restart, joined files), not jitter."""


class Times(NamedTuple):
    """When a packet is decoded and shown, in ticks of its stream."""

    dts: int
    pts: int


class Timeline:
    """Repairs the times of one stream.

    Jitter is pushed forward by the least that the muxer takes; after a jump back everything that
    follows is moved behind what was there.

    Args:
        time_base: seconds in a tick.
        strict: whether equal decoding times are refused too.
        offset: by how much everything is moved from the beginning.
    """

    def __init__(self, time_base: Fraction, *, strict: bool = True, offset: int = 0) -> None:
        self._jump: Final = max(1, int(JUMP_S / time_base))
        self._step: Final = 1 if strict else 0
        self._offset = offset
        self._last: int | None = None
        self._last_duration = 0

    @property
    def offset(self) -> int:
        """By how much everything is moved after the jumps so far."""
        return self._offset

    def place(self, dts: int | None, pts: int | None, duration: int) -> Times:
        """Give the times under which a packet is to be written; one that has none follows on."""
        times = self._shifted(dts, pts)
        if self._last is not None:
            if times.dts < self._last - self._jump:
                self._offset += self._next() - times.dts
                times = self._shifted(dts, pts)
            elif times.dts < self._last + self._step:
                decoded = self._last + self._step
                times = Times(decoded, max(times.pts, decoded))
        self.follow(times.dts, duration)
        return times

    def follow(self, dts: int, duration: int) -> None:
        """Take note of a packet that needed no repair: what comes next is placed behind it."""
        self._last, self._last_duration = dts, duration

    def _shifted(self, dts: int | None, pts: int | None) -> Times:
        if dts is None:
            dts = self._next() - self._offset if pts is None else pts
        decoded = dts + self._offset
        shown = decoded if pts is None else pts + self._offset
        return Times(decoded, max(shown, decoded))

    def _next(self) -> int:
        if self._last is None:
            return 0
        return self._last + max(1, self._last_duration)


class Scale:
    """Expresses times of one base in another, rounded to the nearest, halves away from zero.

    FFmpeg rounds the same way where it converts by itself.
    """

    __slots__ = ("_denominator", "_numerator")

    def __init__(self, old: Fraction, new: Fraction) -> None:
        ratio = old / new
        self._numerator = 2 * ratio.numerator
        self._denominator = 2 * ratio.denominator

    def __call__(self, ticks: int) -> int:
        """Convert."""
        half = self._denominator // 2
        if ticks >= 0:
            return (ticks * self._numerator + half) // self._denominator
        return -((-ticks * self._numerator + half) // self._denominator)
