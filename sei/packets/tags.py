"""An output of FLV tags: players over HTTP, RTMP onward, FLV files."""

from __future__ import annotations

from typing import Final

import av

from sei.flv.tags import SCRIPT
from sei.packets.backlog import Gate
from sei.packets.cutting import FILE_HEADER_BYTES, OutputTimes, cut, is_picture
from sei.packets.handover import Handover, Timed
from sei.packets.layout import VIDEO_TRACK, Item, Layout, TrackSpec
from sei.packets.muxed import Say
from sei.packets.muxer import Run
from sei.packets.opening import reason
from sei.packets.sorter import Sorter


class TagOutput:
    """Muxes FLV in memory and hands its tags over; runs follow on each other unnoticed.

    Picture and sound have a muxer each, so that none waits for the other inside of it.

    Args:
        handover: to the event loop.
        gate: what to leave out when the loop is behind.
        say: told of the output's state.
    """

    wants_in_band: Final = False

    def __init__(self, handover: Handover, gate: Gate, say: Say) -> None:
        self._handover: Final = handover
        self._gate: Final = gate
        self._say: Final = say
        self._sorter = Sorter()
        self._picture: Run | None = None
        self._sound: Run | None = None
        self._sound_track = 0
        self._refused: set[TrackSpec] = set()
        self._times: Final = OutputTimes()

    def write(self, item: Item, layout: Layout) -> None:
        """Take a packet."""
        if not self._gate.admits(item):
            return
        for due in self._sorter.push(item, layout):
            self._give(*due)

    def pause(self) -> None:
        """Hand over what waits; the next life of the input shows anew how late its packets come."""
        for due in self._sorter.drain():
            self._give(*due)
        self._sorter = Sorter()

    def close(self) -> None:
        """End; nothing waits after a pause."""
        self._picture = self._sound = None

    def _give(self, item: Item, layout: Layout) -> None:
        try:
            self._follow(item, layout)
            run = self._picture if item.track == VIDEO_TRACK else self._sound
            if run is not None and (item.track in (VIDEO_TRACK, self._sound_track)):
                self._emit(run.write(item), item.read_s)
        except (av.FFmpegError, ValueError) as error:
            self._picture = None  # another run begins at the next keyframe
            self._say(f"UNAVAILABLE: the muxer gave up: {reason(error)}")

    def _follow(self, item: Item, layout: Layout) -> None:
        """Begin new runs where a track is not as it was."""
        if item.may_begin and not _holds(self._picture, VIDEO_TRACK, layout):
            run = Run("flv", layout, only=VIDEO_TRACK)
            self._begin(run)
            self._picture = run
            self._say("live")
        if self._picture is not None and not _holds(self._sound, self._sound_track, layout):
            self._begin_sound(layout)

    def _begin_sound(self, layout: Layout) -> None:
        """Take the first sound that FLV can hold."""
        self._sound = None
        for number, spec in enumerate(layout.specs):
            if spec.kind == "video" or not spec.rate_hz or spec in self._refused:
                continue
            try:
                run = Run("flv", layout, only=number)
            except (av.FFmpegError, ValueError):
                self._refused.add(spec)
                self._say(f"live, without {number}:{spec.codec}")
                continue
            self._begin(run, with_script=False)
            self._sound, self._sound_track = run, number
            return

    def _begin(self, run: Run, *, with_script: bool = True) -> None:
        tags = cut(run.begin()[FILE_HEADER_BYTES:], self._times.place)
        begins = [Timed(tag, None) for tag in tags if with_script or tag.kind != SCRIPT]
        if begins:
            self._handover.push(begins)

    def _emit(self, stream: bytes, read_s: float) -> None:
        tags = [
            Timed(tag, read_s if is_picture(tag) else None)
            for tag in cut(stream, self._times.place)
        ]
        if tags:
            self._handover.push(tags)


def _holds(run: Run | None, number: int, layout: Layout) -> bool:
    """Tell whether a run fits a track as it is now."""
    return run is not None and run.specs[number] == layout.specs[number]
