"""Inputs, opened by PyAV: of a file, or of bytes that come from elsewhere.

Only what is named here can be opened: no playlist, list or reference inside a container makes the
demuxer open anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from sei.errors import BadMedia, SourceFailed
from sei.source import ContainerName
from sei.wire.framing import CODECS, Codec
from sei.wire.message import UUID_BYTES

_FORMATS: Final = "flv,live_flv,mov,mp4,m4a,3gp,3g2,mj2,mpegts,h264,hevc,matroska,webm"
_COMMON: Final = {
    "max_streams": "64",
    # Nothing is decoded to find the streams: a few bytes may claim a picture of a gigabyte.
    "codec_whitelist": "none",
}
_FILE_OPTIONS: Final = {
    **_COMMON,
    "protocol_whitelist": "file",
    "format_whitelist": _FORMATS,
}
# "nobuffer" would throw away what was read to find the streams, and with it a keyframe.
_LIVE_OPTIONS: Final = {
    **_COMMON,
    "protocol_whitelist": "none",
    "format_whitelist": _FORMATS,
    "probesize": "500000",
    "analyzeduration": "500000",
}
MAX_AUDIO_TRACKS: Final = 8


class Readable(Protocol):
    """A file that cannot seek."""

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes, none at the end."""
        ...


class StreamsChanged(SourceFailed):
    """A stream began after the opening, and PyAV stumbles over it: there, or at the end."""


class NoVideo(BadMedia):
    """There is no video stream; a live input may yet get one."""


class Feed(NamedTuple):
    """An open input."""

    container: InputContainer
    video: Stream
    codec: Codec
    others: tuple[Stream, ...]
    """Its sound."""
    left_out: tuple[str, ...]
    """What no output gets, as ``index:type``."""

    @property
    def is_raw(self) -> bool:
        """Whether its packets have no times."""
        return self.container.format.name in CODECS


@contextmanager
def open_file(path: Path) -> Iterator[Feed]:
    """Open a media file.

    Raises:
        BadMedia: it cannot be read, or carries no messages.
    """
    try:
        container = av.open(
            str(path.resolve()), "r", options=_FILE_OPTIONS, metadata_errors="replace"
        )
    except (av.FFmpegError, OSError) as error:
        raise BadMedia(f"{path.name}: cannot be read: {reason(error)}") from error
    with container:
        yield feed_of(path.name, container)


@contextmanager
def open_bytes(source: Readable, container_name: ContainerName) -> Iterator[Feed]:
    """Open what a pipe brings.

    Raises:
        BadMedia: its video carries no messages.
        SourceFailed: it is no stream, or has no video now.
    """
    name = None if container_name == "unknown" else container_name
    # FLV names its streams in its header; by itself FFmpeg reads on, to learn the frame rate.
    options = _LIVE_OPTIONS | ({"fpsprobesize": "0"} if name == "flv" else {})
    try:
        container = av.open(source, "r", format=name, options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise SourceFailed(f"the input is no stream: {reason(error)}") from error
    with container:
        yield _live_feed(container)


@contextmanager
def open_playlist(
    url: str, io_open: Callable[[str, int, dict[str, str]], object]
) -> Iterator[Feed]:
    """Open an HLS input whose playlists and segments come through ``io_open``.

    Raises:
        BadMedia: its video carries no messages.
        SourceFailed: it is no stream, or has no video now.
    """
    options = {
        **_COMMON,
        # Every address goes through io_open; these are what the demuxer itself insists on.
        "protocol_whitelist": "http,https,tcp,tls",
        "format_whitelist": f"hls,{_FORMATS},aac",
        "http_persistent": "0",
        "http_multiple": "0",
        "allowed_extensions": "ALL",
        "allowed_segment_extensions": "ALL",
        "extension_picky": "0",
        "probesize": "1000000",
        "analyzeduration": "1000000",
    }
    # Typed without what it takes: the callable's arguments.
    opened: Any = av.open
    try:
        container = opened(
            url, "r", format="hls", options=options, io_open=io_open, metadata_errors="replace"
        )
    except (av.FFmpegError, OSError) as error:
        raise SourceFailed(f"the input is no stream: {reason(error)}") from error
    with container:
        yield _live_feed(container)


def packets_of(feed: Feed) -> Iterator[Packet[Stream]]:
    """Give the packets of the chosen streams, in the order of the input.

    Raises:
        av.FFmpegError: the input is damaged or broke off.
        StreamsChanged: it has to be opened anew, unless it is over.
    """
    try:
        yield from feed.container.demux(feed.video, *feed.others)
    except IndexError as error:
        raise StreamsChanged("streams began that were not there at first") from error


def feed_of(name: str, container: InputContainer) -> Feed:
    """Choose the streams of an open input.

    Raises:
        BadMedia: there is no video that can carry messages.
    """
    video, codec = _video(name, container)
    sounds = [stream for stream in container.streams.audio if _codec_name(stream) != "unknown"]
    others = tuple(sounds[:MAX_AUDIO_TRACKS])
    taken = {video.index, *(stream.index for stream in others)}
    left_out = tuple(
        f"{stream.index}:{stream.type}" for stream in container.streams if stream.index not in taken
    )
    return Feed(container, video, codec, others, left_out)


def _live_feed(container: InputContainer) -> Feed:
    try:
        return feed_of("the input", container)
    except NoVideo as error:
        raise SourceFailed(error.message) from error


def reason(error: Exception) -> str:
    """Say in a few words what FFmpeg or the system complains of."""
    if isinstance(error, av.FFmpegError | OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _video(name: str, container: InputContainer) -> tuple[Stream, Codec]:
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & stream.disposition.attached_pic
    ]
    if not streams:
        raise NoVideo(f"{name}: has no video stream")
    for stream in streams:
        for codec in CODECS:
            if _codec_name(stream) == codec:
                if UUID_BYTES in bytes(stream.codec_context.extradata or b""):
                    raise BadMedia(f"{name}: the decoder configuration holds messages")
                return stream, codec
    raise BadMedia(f"{name}: {_codec_name(streams[0])} video carries no messages")


def _codec_name(stream: Stream) -> str:
    # Typed as the library types it: a stream whose codec it does not know has no context.
    context: Any = stream.codec_context
    return "unknown" if context is None else str(context.codec.canonical_name)
