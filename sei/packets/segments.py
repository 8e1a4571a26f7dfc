"""A stream cut into segments with a playlist: HLS, of transport streams or of fragmented MP4.

Each segment is a muxer run of its own, so it is whole, begins with all that a decoder needs, and
nothing of it waits in a muxer when the next one begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import av

from sei.packets.continuity import ContinuityCounters
from sei.packets.layout import US_PER_S, VIDEO_TRACK, Item, Layout, TrackSpec
from sei.packets.muxed import MAX_SAID_CHARACTERS, Say, live
from sei.packets.muxer import Run, wants_in_band
from sei.packets.opening import reason
from sei.packets.places import Place
from sei.packets.playlist import Playlist, Segment

TARGET_S: Final = 2.0
MAX_SEGMENT_S: Final = 20.0
"""One whose next keyframe does not come is cut here, keyframe or not."""
MAX_SEGMENT_BYTES: Final = 32 * 1024 * 1024
_ALMOST: Final = 0.98


class Naming(NamedTuple):
    """How the parts of one playlist are called."""

    playlist: str
    """Name in the place."""
    file_prefix: str = ""
    """Of segments' names in the place."""
    address_prefix: str = ""
    """Of their addresses, relative to the playlist's."""


def segment_suffix(format_name: str) -> str:
    """Give what the names of segments end with."""
    return ".ts" if format_name == "mpegts" else ".m4s"


class _Open(NamedTuple):
    run: Run
    start_us: int
    parts: list[bytes]


class Segments:
    """An output of segments.

    Args:
        format_name: ``mpegts`` or ``mp4``.
        place: where they are put.
        naming: how they are called.
        say: told of the output's state.
        wall_clock: seconds since 1970. The first number is taken from it, so that numbers go on
            rising when a stream is started anew, and no name is used twice.
    """

    def __init__(
        self,
        format_name: str,
        place: Place,
        naming: Naming,
        say: Say,
        wall_clock: Callable[[], float],
    ) -> None:
        self.wants_in_band: Final = wants_in_band(format_name)
        self._format_name: Final = format_name
        self._suffix: Final = segment_suffix(format_name)
        self._place: Final = place
        self._naming: Final = naming
        self._say: Final = say
        self._number = int(wall_clock())
        self._playlist: Final = Playlist(self._number, TARGET_S)
        self._counters: Final = ContinuityCounters()
        self._open: _Open | None = None
        self._end_us = 0
        self._bytes = 0
        self._specs: tuple[TrackSpec, ...] = ()
        self._init: bytes = b""
        self._init_name = ""
        self._is_gap = self._has_segments = False

    def write(self, item: Item, layout: Layout) -> None:
        """Take a packet."""
        try:
            if self._is_due(item, layout):
                self._cut(item.dts_us)
                self._begin(item, layout)
            if self._open is not None:
                part = self._open.run.write(item)
                self._open.parts.append(part)
                self._bytes += len(part)
                if item.track == VIDEO_TRACK:
                    self._end_us = item.dts_us + item.duration_us
        except (av.FFmpegError, ValueError) as error:
            self._give_up(reason(error))

    def close(self) -> None:
        """Finish the segment that is on, and say in the playlist that it is the last."""
        try:
            self._cut(self._end_us)
        except av.FFmpegError as error:
            self._give_up(reason(error))
        if self._has_segments:
            self._put_playlist(ended=True)
        self._place.close()
        if self._place.trouble:
            self._tell(self._place.trouble)

    def _is_due(self, item: Item, layout: Layout) -> bool:
        if self._open is None:
            return item.may_begin
        if item.track != VIDEO_TRACK:
            return item.may_begin and self._specs != layout.specs
        if self._bytes >= MAX_SEGMENT_BYTES:
            return True
        long_s = (item.dts_us - self._open.start_us) / US_PER_S
        if item.is_keyframe:
            return long_s >= TARGET_S * _ALMOST or self._specs != layout.specs
        return long_s >= MAX_SEGMENT_S

    def _begin(self, item: Item, layout: Layout) -> None:
        options = {} if self._format_name == "mpegts" else self._fragment_options()
        run = Run(self._format_name, layout, options)
        self._open = _Open(run, item.dts_us, [])
        self._bytes = 0
        if self._specs and self._specs != layout.specs:
            self._is_gap = True
        self._specs = layout.specs
        self._tell(self._place.trouble or live([*run.left_out, *layout.left_out]))

    def _fragment_options(self) -> dict[str, str]:
        return {
            "movflags": "frag_custom+empty_moov+default_base_moof+frag_discont+skip_trailer",
            "fragment_index": str(self._number & 0x7FFFFFFF),
        }

    def _cut(self, end_us: int) -> None:
        opened, self._open = self._open, None
        if opened is None:
            return
        content = b"".join([*opened.parts, opened.run.close()])
        duration_s = max(1, end_us - opened.start_us) / US_PER_S
        if self._format_name == "mpegts":
            content = self._counters.join(content)
        else:
            content = self._without_init(content)
        name = f"{self._naming.file_prefix}{self._number}{self._suffix}"
        self._number += 1
        if not self._place.put(name, content):
            self._is_gap = True
            self._tell(self._place.trouble or "OVERLOADED: a segment was left out")
            return
        init_name = self._address(self._init_name) if self._init_name else ""
        gone = self._playlist.add(Segment(self._address(name), duration_s, self._is_gap, init_name))
        self._is_gap, self._has_segments = False, True
        self._put_playlist()
        for address in gone:
            self._place.remove(address.removeprefix(self._naming.address_prefix))

    def _without_init(self, content: bytes) -> bytes:
        """Take the initialisation off, and put it where players find it if it is a new one."""
        at = _fragment_offset(content)
        init, content = content[:at], content[at:]
        if init != self._init:
            self._is_gap = self._is_gap or bool(self._init)
            self._init = init
            self._init_name = f"{self._naming.file_prefix}init-{self._number}.mp4"
            self._place.put(self._init_name, init)
        return content

    def _put_playlist(self, *, ended: bool = False) -> None:
        self._place.put(self._naming.playlist, self._playlist.text(ended=ended).encode())

    def _address(self, name: str) -> str:
        return self._naming.address_prefix + name

    def _give_up(self, why: str) -> None:
        self._open = None
        self._is_gap = True
        self._tell(f"UNAVAILABLE: cannot be written: {why}")

    def _tell(self, what: str) -> None:
        self._say(what[:MAX_SAID_CHARACTERS])


def _fragment_offset(content: bytes) -> int:
    """Find the first ``moof`` box."""
    at = 0
    while at + 8 <= len(content) and content[at + 4 : at + 8] != b"moof":
        at += max(8, int.from_bytes(content[at : at + 4], "big"))
    return at
