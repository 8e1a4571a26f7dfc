"""Media files as input: open, judge, and give packets that can be trusted to be whole.

Nothing here decodes a picture but ``display_order``. Only files are opened: no playlist, network
address or ``concat:`` list can make the demuxer open another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from sei.errors import BadMedia
from sei.files.rawtime import RawClock, filled
from sei.wire.framing import CODECS, Codec, framing_of
from sei.wire.message import UUID_BYTES

_OPTIONS: Final = {
    "protocol_whitelist": "file",
    "format_whitelist": "flv,live_flv,mov,mp4,m4a,3gp,3g2,mj2,mpegts,h264,hevc,matroska,webm",
}
_WITHOUT_TIMES: Final = {"h264", "hevc"}
_DECLARES_SIZES: Final = {"flv", "mov", "mp4"}
_NAMES_ENCRYPTION: Final = {"mov", "matroska"}
"""FFmpeg's other demuxers know of none."""
_ENCRYPTED: Final = ("encryption_info", "encryption_init_info")


class Video(NamedTuple):
    """A video stream that can carry messages."""

    stream: VideoStream
    codec: Codec
    extradata: bytes


class Media:
    """An open media file."""

    def __init__(self, path: Path, container: InputContainer) -> None:
        self.path: Final = path
        self.container: Final = container
        self.videos: Final = _videos(path, container)
        self.is_raw: Final = container.format.name in _WITHOUT_TIMES
        self.size_bytes: Final = path.stat().st_size

    def packets(
        self, *streams: Stream, order: Sequence[int] | None = None
    ) -> Iterator[Packet[Stream]]:
        """Give the packets of some streams, or of all, in the order of the file.

        Packets of raw streams get times by their frame rate.

        Args:
            streams: those wanted.
            order: ``display_order`` of a raw stream whose pictures need a presentation time.

        Raises:
            BadMedia: encrypted, broken, cut short, or without a single picture.
        """
        clock = RawClock(order) if self.is_raw else None
        wanted = {video.stream.index for video in self.videos}
        seen = False
        names = set(self.container.format.name.split(","))
        # A transport stream flags every gap in its counters, and live ones have them.
        declares_sizes = bool(names & _DECLARES_SIZES)
        may_be_encrypted = bool(names & _NAMES_ENCRYPTION)
        with explained(self.path):
            for packet in self.container.demux(*streams):
                if not packet.size:  # what flushes a decoder at the end of input
                    continue
                if declares_sizes and packet.is_corrupt:
                    raise BadMedia(f"{self.path.name}: cut short")
                if may_be_encrypted:
                    self._check(packet)
                if not seen:
                    seen = packet.stream_index in wanted
                if clock is not None:
                    clock.stamp(packet)
                yield packet
        if not seen:
            raise BadMedia(f"{self.path.name}: holds no pictures")

    def _check(self, packet: Packet[Stream]) -> None:
        for item in packet.iter_sidedata():
            if item.data_type in _ENCRYPTED:
                raise BadMedia(f"{self.path.name}: the samples are encrypted")


@contextmanager
def explained(path: Path, failed: str = "cannot be read") -> Iterator[None]:
    """Turn what FFmpeg and the file system complain of into one line."""
    try:
        yield
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
        if path.stat().st_size == 0:
            raise BadMedia(f"{path.name}: the file is empty")
        container = av.open(str(path.resolve()), "r", options=_OPTIONS, metadata_errors="replace")
    with container:
        yield Media(path, container)


def seconds(ticks: int, time_base: Fraction | None) -> float:
    """Express a time in seconds."""
    return float(ticks * (time_base or Fraction(1)))


def extradata_of(stream: Stream) -> bytes:
    """Give the decoder configuration of a stream; empty where there is none."""
    return bytes(stream.codec_context.extradata or b"")


def display_order(path: Path) -> list[int]:
    """List the pictures of a raw stream as they are shown, by their place in decoding order.

    Raw streams say nowhere when a picture is shown, so this decodes them once. A picture that
    cannot be decoded, and the second of two fields, follows the one decoded before it.
    """
    order: list[int] = []
    count = 0
    with explained(path), av.open(str(path.resolve()), "r", options=_OPTIONS) as container:
        stream = container.streams.video[0]
        for number, packet in enumerate(container.demux(stream)):
            if packet.size:
                packet.pts = packet.dts = number
                count = number + 1
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue  # damaged: it has no place of its own and is shown when it is decoded
            order += [frame.pts for frame in frames if frame.pts is not None]
    return filled(order, count)


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
    if container.format.name == "flv" and framing_of(codec, extradata).length_bytes is None:
        raise BadMedia(f"{path.name}: has no decoder configuration")
    if not stream.codec_context.width:
        raise BadMedia(f"{path.name}: holds no pictures")
    return Video(stream, codec, extradata)


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


def _codec_name(stream: VideoStream) -> str:
    # Typed as the library types it: a stream whose codec it does not know has no context.
    context: Any = stream.codec_context
    return "unknown" if context is None else str(context.codec.canonical_name)
