"""Media files as input: open, judge, and give packets that can be trusted to be whole.

Nothing here decodes a picture. Only files are opened: no playlist, network
address or ``concat:`` list can make the demuxer open another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from sei.errors import BadMedia
from sei.packets.rawtime import RawClock, begun
from sei.wire.framing import CODECS, Codec, framing_of
from sei.wire.message import UUID_BYTES

STANDARD_INPUT: Final = Path("-")
_OPTIONS: Final = {
    "protocol_whitelist": "file",
    "format_whitelist": "flv,live_flv,mov,mp4,m4a,3gp,3g2,mj2,mpegts,h264,hevc,matroska,webm",
}
_WITHOUT_TIMES: Final = {"h264", "hevc"}
_SAMPLED: Final = {"mov", "matroska"}
"""Here any sample may lie behind the end of the file, or be encrypted; FFmpeg's other demuxers
tell of the last packet alone, and know no encryption."""
_ENCRYPTED: Final = ("encryption_info", "encryption_init_info")

Inspect = Callable[["Packet[Stream]"], None]


class Video(NamedTuple):
    """A video stream that can carry messages."""

    stream: VideoStream
    codec: Codec
    extradata: bytes


class Media:
    """An open media file, or standard input."""

    def __init__(self, path: Path, container: InputContainer) -> None:
        self.path: Final = path
        self.container: Final = container
        self.videos: Final = _videos(path, container)
        self.is_raw: Final = container.format.name in _WITHOUT_TIMES
        self.is_pipe: Final = path == STANDARD_INPUT
        self.size_bytes: Final = 0 if self.is_pipe else path.stat().st_size
        self._names: Final = set(container.format.name.split(","))

    def packets(
        self, *streams: Stream, order: Sequence[int] | None = None
    ) -> Iterator[Packet[Stream]]:
        """Give the packets of some streams, or of all, in the order of the file.

        Packets of raw streams get times by their frame rate. Streams that begin only after the
        opening are left out.

        Args:
            streams: those wanted.
            order: ``display_order`` of a raw stream whose pictures need a presentation time.

        Raises:
            BadMedia: encrypted, broken, cut short, or without a single picture.
        """
        inspect = self.inspection(order)
        wanted = {video.stream.index for video in self.videos}
        seen = False
        last = None
        with explained(self.path), suppress(IndexError):  # see ``explained``
            for packet in self.demux(*streams):
                if not packet.size:  # what flushes a decoder at the end of input
                    continue
                last = packet
                if inspect is not None:
                    inspect(packet)
                seen = seen or packet.stream_index in wanted
                yield packet
        self.check_end(last, seen)

    def demux(self, *streams: Stream) -> Iterator[Packet[Stream]]:
        """Give packets as the demuxer does, but for those of Matroska, which lack decoding times.

        FFmpeg finds those out as it goes; the first ones, as many as pictures are reordered, stay
        without.
        """
        packets = self.container.demux(*streams)
        if "matroska" in self._names:
            return begun(packets, [video.stream.index for video in self.videos])
        return packets

    def inspection(self, order: Sequence[int] | None = None) -> Inspect | None:
        """Give what every packet with bytes in it must pass; None where this format needs nothing.

        It gives the packets of raw streams their times, and raises BadMedia for what is encrypted
        or cut short.

        Args:
            order: as of ``packets``.
        """
        if self.is_raw:
            return RawClock(order).stamp
        return self._check_sample if self._names & _SAMPLED else None

    def check_end(self, last: Packet[Stream] | None, has_pictures: bool) -> None:
        """Judge an input that was read to its end.

        Args:
            last: the last packet that had bytes in it.
            has_pictures: whether there was one of a video stream.

        Raises:
            BadMedia: cut short, or without a single picture.
        """
        # A transport stream flags every gap in its counters, and live ones have them.
        if last is not None and "flv" in self._names and last.is_corrupt:
            raise BadMedia(f"{self.path.name}: cut short")
        if not has_pictures:
            raise BadMedia(f"{self.path.name}: holds no pictures")

    def check_decodable(self) -> None:
        """Refuse pictures that nobody could decode: a copy of them would be taken for whole.

        Raises:
            BadMedia: FFmpeg found no parameter sets that make sense, whatever the head claims.
        """
        for video in self.videos:
            context = video.stream.codec_context
            if not context.width or context.pix_fmt is None:
                raise BadMedia(f"{self.path.name}: holds no pictures that can be decoded")

    def _check_sample(self, packet: Packet[Stream]) -> None:
        if packet.is_corrupt:  # its place in the file is declared, and lies behind the end
            raise BadMedia(f"{self.path.name}: cut short")
        for item in packet.iter_sidedata():
            if item.data_type in _ENCRYPTED:
                raise BadMedia(f"{self.path.name}: the samples are encrypted")


@contextmanager
def explained(path: Path, failed: str = "cannot be read") -> Iterator[None]:
    """Turn what FFmpeg and the file system complain of into one line."""
    try:
        yield
    except IndexError as error:  # PyAV's, at the end, where a stream began after the opening
        raise BadMedia(f"{path.name}: {failed}: a stream begins too late") from error
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or type(error).__name__
        raise BadMedia(f"{path.name}: {failed}: {reason}") from error


@contextmanager
def open_media(path: Path) -> Iterator[Media]:
    """Open a media file that holds H.264 or HEVC.

    Raises:
        BadMedia: it is missing, unreadable, empty, no media, or without such a stream.
    """
    with explained(path):
        if path != STANDARD_INPUT and path.stat().st_size == 0:
            raise BadMedia(f"{path.name}: the file is empty")
        name, options = _opening(path)
        container = av.open(name, "r", options=options, metadata_errors="replace")
    with container:
        yield Media(path, container)


def seconds(ticks: int, time_base: Fraction | None) -> float:
    """Express a time in seconds."""
    return float(ticks * (time_base or Fraction(1)))


def extradata_of(stream: Stream) -> bytes:
    """Give the decoder configuration of a stream; empty where there is none."""
    return bytes(stream.codec_context.extradata or b"")


def _opening(path: Path) -> tuple[str, dict[str, str]]:
    """Say what FFmpeg is to open, and how: nothing but this, whatever its name looks like."""
    if path == STANDARD_INPUT:
        return "pipe:0", _OPTIONS | {"protocol_whitelist": "pipe"}
    return str(path.resolve()), _OPTIONS


def _videos(path: Path, container: InputContainer) -> tuple[Video, ...]:
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not streams:
        raise BadMedia(f"{path.name}: has no video stream")
    videos = []
    for stream in streams:
        name = _codec_name(stream)
        for codec in CODECS:
            if name == codec:
                videos.append(_video(path, container, stream, codec))
    if not videos:
        raise BadMedia(f"{path.name}: {_codec_name(streams[0])} video carries no messages")
    return tuple(videos)


def _video(path: Path, container: InputContainer, stream: VideoStream, codec: Codec) -> Video:
    extradata = extradata_of(stream)
    if UUID_BYTES in extradata:
        raise BadMedia(f"{path.name}: the decoder configuration holds messages")
    has_lengths = framing_of(codec, extradata).length_bytes is not None
    if not has_lengths and _needs_lengths(container, extradata):
        raise BadMedia(f"{path.name}: has no decoder configuration")
    return Video(stream, codec, extradata)


def _needs_lengths(container: InputContainer, extradata: bytes) -> bool:
    """Tell whether units without lengths would be nonsense here; old Matroska may have them."""
    names = set(container.format.name.split(","))
    return bool(names & {"flv", "mov"}) or ("matroska" in names and not extradata)


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


def _codec_name(stream: VideoStream) -> str:
    # Typed as the library types it: a stream whose codec it does not know has no context.
    context: Any = stream.codec_context
    return "unknown" if context is None else str(context.codec.canonical_name)
