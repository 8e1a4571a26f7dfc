"""Media files as output: they appear whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import av
from av.container import OutputContainer
from av.stream import Stream

from sei.errors import BadMedia
from sei.files.media import Media, explained, extradata_of

FORMATS: Final = {
    ".flv": "flv",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".ts": "mpegts",
    ".264": "h264",
    ".h264": "h264",
    ".265": "hevc",
    ".h265": "hevc",
    ".hevc": "hevc",
}
RAW_FORMATS: Final = {"h264", "hevc"}
MUX_OPTIONS: Final = {"max_interleave_delta": "200000"}
"""In µs. By default a declared but silent audio stream holds the video back for 10 s."""

FAILED: Final = "cannot be written"
_TIMES_MAY_REPEAT: Final = {"flv", *RAW_FORMATS}
_TRANSPORT_STREAM_CODECS: Final = frozenset(
    {"h264", "hevc", "mpeg2video"}
    | {"aac", "aac_latm", "mp3", "mp2", "ac3", "eac3", "dts", "opus"}
    | {"dvb_subtitle", "dvb_teletext"}
)


class Muxer:
    """The streams of an input in an output container, its header written.

    Args:
        media: where the packets come from; its streams are the pattern.
        output: not started yet.
    """

    def __init__(self, media: Media, output: OutputContainer) -> None:
        self.output: Final = output
        self.dropped: Final[list[str]] = []
        self.streams: Final[dict[int, Stream]] = {}
        for stream in media.container.streams:
            added = _add(media, output, stream)
            if added is None:
                self.dropped.append(f"{stream.index}:{stream.type}")
            else:
                self.streams[stream.index] = added
        if not any(video.stream.index in self.streams for video in media.videos):
            raise BadMedia(f"{output.format.name} cannot hold {media.videos[0].codec}")
        output.metadata.update(media.container.metadata)
        output.start_encoding()
        self.strict: Final = output.format.name not in _TIMES_MAY_REPEAT


def format_of(target: Path) -> str:
    """Name the container that a file name asks for.

    Raises:
        BadMedia: the suffix is unknown.
    """
    name = FORMATS.get(target.suffix.lower())
    if name is None:
        known = " ".join(FORMATS)
        raise BadMedia(f"{target.name}: the suffix names no container; known are {known}")
    return name


@contextmanager
def open_output(media: Media, target: Path) -> Iterator[Muxer]:
    """Open an output file beside ``target``, which it replaces when the block ends well.

    Raises:
        BadMedia: input and output are one file, or the container cannot be written.
    """
    format_of(target)
    if target.exists() and target.samefile(media.path):
        raise BadMedia(f"{target.name}: input and output are the same file")
    # Absolute, so that no name can be taken for a network address.
    partial = target.absolute().with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with explained(target, FAILED):
            muxer = Muxer(media, _open(partial, target))
        try:
            yield muxer
        except BaseException:
            with suppress(av.FFmpegError):  # the first error is the one to tell
                muxer.output.close()
            raise
        with explained(target, FAILED):
            muxer.output.close()
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _open(partial: Path, target: Path) -> OutputContainer:
    return av.open(str(partial), "w", format=format_of(target), container_options=MUX_OPTIONS)


def _add(media: Media, output: OutputContainer, stream: Stream) -> Stream | None:
    if output.format.name in RAW_FORMATS and stream.index != media.videos[0].stream.index:
        return None
    # Typed as the library types it: streams of data have none.
    context: Any = stream.codec_context
    if context is None:
        # Other containers take what they cannot name, and then nobody can open the file.
        between_transport_streams = output.format.name == media.container.format.name == "mpegts"
        return output.add_stream_from_template(stream) if between_transport_streams else None
    if output.format.name == "mpegts" and not _fits_transport_stream(media, stream, context):
        return None
    if stream.type == "audio" and not context.sample_rate:
        return None  # the demuxer could not make out what it is
    try:
        added = output.add_stream_from_template(stream, opaque=True)
    except ValueError:  # the container cannot hold the codec
        return None
    added.metadata.update(stream.metadata)
    added.disposition = stream.disposition
    return added


def _fits_transport_stream(media: Media, stream: Stream, context: Any) -> bool:
    codec_name = context.codec.canonical_name
    if codec_name == "aac" and media.container.format.name != "mpegts":
        # Raw AAC gets its ADTS headers from its configuration; without one it would be noise.
        return bool(extradata_of(stream))
    return codec_name in _TRANSPORT_STREAM_CODECS
