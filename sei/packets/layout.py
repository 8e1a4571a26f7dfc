"""What an input holds at a moment, and its packets in the forms that outputs want."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, Protocol

from av.packet import PacketSideData
from av.stream import Stream

TrackKind = Literal["video", "audio"]


class TrackSpec(NamedTuple):
    """What a decoder must know of a track; two that are equal can follow one another."""

    kind: TrackKind
    codec: str
    configuration: bytes
    """Decoder configuration record, or parameter sets with start codes; empty: none needed."""
    width: int = 0
    height: int = 0
    rate_hz: int = 0
    channels: str = ""
    """FFmpeg's name of their layout."""


class Layout(NamedTuple):
    """The tracks of an input now; the first is its video."""

    specs: tuple[TrackSpec, ...]
    templates: tuple[Stream, ...]
    """Valid only while the input is open: never to be kept."""
    left_out: tuple[str, ...] = ()
    """What the input holds and no output gets, as ``index:type``."""


class Item(NamedTuple):
    """A packet with its place in the output."""

    track: int
    dts_us: int
    pts_us: int
    duration_us: int
    is_keyframe: bool
    """Of the video, and a player may start here."""
    may_begin: bool
    """A keyframe, or sound before the first one of a life: a container may begin with it."""
    boxed: bytes
    """For containers with a decoder configuration of their own: FLV, MP4, Matroska."""
    in_band: bytes
    """For transport streams: parameter sets and ADTS headers inside."""
    side: tuple[PacketSideData, ...]
    read_s: float
    """When the demuxer gave it."""


class Output(Protocol):
    """Takes packets in the engine's thread; one that fails says so in the counts, and goes on."""

    @property
    def wants_in_band(self) -> bool:
        """Whether it takes packets in that form."""
        ...

    def write(self, item: Item, layout: Layout) -> None:
        """Take a packet; may drop it where the output is behind."""
        ...

    def close(self) -> None:
        """Finish what was written; what is no longer taken within 5 s is lost."""
        ...


VIDEO_TRACK: Final = 0
US_PER_S: Final = 1_000_000
