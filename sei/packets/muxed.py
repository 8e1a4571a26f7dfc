"""What outputs that one muxer run after another writes have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

import av

from sei.packets.layout import Item, Layout
from sei.packets.muxer import Run, wants_in_band
from sei.packets.opening import reason

_log: Final = logging.getLogger(__name__)

Say = Callable[[str], None]
"""Told how the output is: ``live``, or what went wrong with its code."""
MAX_SAID_CHARACTERS: Final = 200


def live(left_out: Sequence[str]) -> str:
    """Give the state of an output that works: what it has no place for, too."""
    return f"live, without {', '.join(left_out)}" if left_out else "live"


class Runs:
    """Muxer runs, one after the other; each begins at a keyframe, where the tracks changed.

    A run that the muxer gives up ends there, and another begins at the next keyframe.

    Args:
        name: of the output, for logs.
        format_name: FFmpeg's name of the container.
        say: told of the output's state.
        began: told that a run begins and not yet written to.
    """

    def __init__(
        self, name: str, format_name: str, say: Say, began: Callable[[], None] = lambda: None
    ) -> None:
        self.wants_in_band: Final = wants_in_band(format_name)
        self._name: Final = name
        self._format_name: Final = format_name
        self._say: Final = say
        self._began: Final = began
        self._run: Run | None = None
        self._said = ""

    def write(self, item: Item, layout: Layout, emit: Callable[[bytes], None]) -> None:
        """Mux a packet; ``emit`` takes the bytes that come of it."""
        try:
            if item.may_begin and (self._run is None or self._run.specs != layout.specs):
                self.end(emit)
                self._start(layout)
            if self._run is not None:
                emit(self._run.write(item))
        except (av.FFmpegError, ValueError) as error:
            _log.warning("%s: the muxer gave up: %s", self._name, reason(error))
            self.say(f"UNAVAILABLE: cannot be written: {reason(error)}")
            self._run = None

    def end(self, emit: Callable[[bytes], None]) -> None:
        """End the run that is on, if one is."""
        run, self._run = self._run, None
        if run is None:
            return
        try:
            emit(run.close())
        except av.FFmpegError as error:
            _log.warning("%s: its end is missing: %s", self._name, reason(error))

    def say(self, what: str) -> None:
        """Tell the state of the output where it changed."""
        if what != self._said:
            self._said = what
            self._say(what[:MAX_SAID_CHARACTERS])

    def _start(self, layout: Layout) -> None:
        run = Run(self._format_name, layout)
        self._began()
        self._run = run
        self.say(live([*run.left_out, *layout.left_out]))
