"""An output of FLV tags: players over HTTP, RTMP onward, FLV files."""

from __future__ import annotations

from typing import Final

import av

from sei.flv.tags import SCRIPT
from sei.packets.backlog import Gate
from sei.packets.cutting import FILE_HEADER_BYTES, OutputTimes, cut, is_picture
from sei.packets.handover import Handover, Timed
from sei.packets.layout import VIDEO_TRACK, Item, Layout, TrackSpec
from sei.packets.muxed import Say, live
from sei.packets.muxer import Run
from sei.packets.opening import reason


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
        self._picture: Run | None = None
        self._sound: Run | None = None
        self._sound_track = 0
        self._refused: set[TrackSpec] = set()
        self._picture_times: Final = OutputTimes()
        self._sound_times: Final = OutputTimes()

    def write(self, item: Item, layout: Layout) -> None:
        """Take a packet."""
        if not self._gate.admits(item):
            return
        try:
            self._follow(item, layout)
            if item.track == VIDEO_TRACK:
                self._emit(self._picture, self._picture_times, item)
            elif item.track == self._sound_track:
                self._emit(self._sound, self._sound_times, item)
        except (av.FFmpegError, ValueError) as error:
            self._picture = None  # another run begins at the next keyframe
            self._say(f"UNAVAILABLE: the muxer gave up: {reason(error)}")

    def close(self) -> None:
        """End."""
        self._picture = self._sound = None

    def _follow(self, item: Item, layout: Layout) -> None:
        """Begin new runs where a track is not as it was."""
        began = False
        if item.may_begin and not _holds(self._picture, VIDEO_TRACK, layout):
            run = Run("flv", layout, only=VIDEO_TRACK)
            self._begin(run, self._picture_times)
            self._picture, began = run, True
        if self._picture is not None and not _holds(self._sound, self._sound_track, layout):
            began = self._begin_sound(item, layout) or began
        if began:
            self._say(live([*self._left_out(layout), *layout.left_out]))

    def _left_out(self, layout: Layout) -> list[str]:
        taken = {VIDEO_TRACK, VIDEO_TRACK if self._sound is None else self._sound_track}
        return [
            f"{number}:{spec.codec}"
            for number, spec in enumerate(layout.specs)
            if number not in taken and spec.rate_hz
        ]

    def _begin_sound(self, item: Item, layout: Layout) -> bool:
        """Take the first sound that FLV can hold; tell whether anything is new."""
        self._sound, refused = None, len(self._refused)
        for number, spec in enumerate(layout.specs):
            if spec.kind == "video" or not spec.rate_hz or spec in self._refused:
                continue
            try:
                run = Run("flv", layout, only=number)
            except (av.FFmpegError, ValueError):
                self._refused.add(spec)
                continue
            if item.track == number:
                self._sound_times.reach(item.dts_us)
            self._begin(run, self._sound_times, with_script=False)
            self._sound, self._sound_track = run, number
            return True
        return len(self._refused) > refused

    def _begin(self, run: Run, times: OutputTimes, *, with_script: bool = True) -> None:
        tags = cut(run.begin()[FILE_HEADER_BYTES:], times.place)
        begins = [Timed(tag, None) for tag in tags if with_script or tag.kind != SCRIPT]
        if begins:
            self._handover.push(begins)

    def _emit(self, run: Run | None, times: OutputTimes, item: Item) -> None:
        if run is None:
            return
        tags = [
            Timed(tag, item.read_s if is_picture(tag) else None)
            for tag in cut(run.write(item), times.place)
        ]
        if tags:
            self._handover.push(tags)


def _holds(run: Run | None, number: int, layout: Layout) -> bool:
    """Tell whether a run fits a track as it is now."""
    return run is not None and run.specs[number] == layout.specs[number]
