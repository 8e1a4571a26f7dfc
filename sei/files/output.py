"""Media files as output: they appear whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import av
from av.container import OutputContainer
from av.stream import Stream

from sei.errors import BadMedia
from sei.files.media import Media, Video, explained, extradata_of, open_media
from sei.wire.framing import Codec, Framing, framing_of
from sei.wire.nal import walk


class Container(NamedTuple):
    """A form of output."""

    muxer: str
    """FFmpeg's name for it."""
    suffixes: tuple[str, ...] = ()
    options: Mapping[str, str] = {}
    needs_seeking: bool = False
    """Whether its head is written last, so that it can't go into a pipe."""


CONTAINERS: Final[Mapping[str, Container]] = {
    "flv": Container("flv", (".flv",)),
    "mp4": Container("mp4", (".mp4", ".m4v"), needs_seeking=True),
    "mov": Container("mov", (".mov",), needs_seeking=True),
    "ts": Container("mpegts", (".ts", ".mts", ".m2ts")),
    "mkv": Container("matroska", (".mkv",)),
    "h264": Container("h264", (".264", ".h264")),
    "hevc": Container("hevc", (".265", ".h265", ".hevc")),
    "fmp4": Container(
        "mp4", options={"movflags": "frag_keyframe+empty_moov+default_base_moof+delay_moov"}
    ),
}
_FRAGMENTS: Final = "frag_keyframe+default_base_moof"
STANDARD_OUTPUT: Final = Path("-")
RAW_FORMATS: Final = {"h264", "hevc"}
IN_BAND: Final = {"mpegts", *RAW_FORMATS}
"""These carry decoder configurations in the stream, and no packet brings one beside it."""
MUX_OPTIONS: Final[dict[str, str]] = {"max_interleave_delta": "200000"}
"""Of live outputs, in µs. By default a declared but silent audio stream holds the video back for
10 s. For files that is right: fragments of an input may last as long."""

FAILED: Final = "cannot be written"
_TIMES_MAY_REPEAT: Final = {"flv", *RAW_FORMATS}
_PARAMETER_SETS: Final[dict[Codec, set[int]]] = {"h264": {7, 8}, "hevc": {32, 33, 34}}
"""Kinds of NAL units."""
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


def container_of(target: Path, name: str | None = None) -> Container:
    """Give the container that is asked for by name, or by the suffix of a file.

    Raises:
        BadMedia: neither says one that is known, or it can't go where it is to.
    """
    if name is None:
        container = _by_suffix(target)
    elif name in CONTAINERS:
        container = CONTAINERS[name]
    else:
        raise BadMedia(f"{name!r} names no container; known are {' '.join(CONTAINERS)}")
    if target == STANDARD_OUTPUT and container.needs_seeking:
        raise BadMedia(f"{container.muxer} needs a file; into a pipe goes fmp4")
    return container


def _by_suffix(target: Path) -> Container:
    suffix = target.suffix.lower()
    for container in CONTAINERS.values():
        if suffix in container.suffixes:
            return container
    if target == STANDARD_OUTPUT:
        raise BadMedia(f"standard output needs a format; known are {' '.join(CONTAINERS)}")
    known = " ".join(suffix for container in CONTAINERS.values() for suffix in container.suffixes)
    raise BadMedia(f"{target.name}: the suffix names no container; known are {known}")


@contextmanager
def whole_file(source: Path, target: Path) -> Iterator[Path]:
    """Give a file beside ``target`` to write, which it replaces when the block ends well.

    Raises:
        BadMedia: input and output are one file, or it cannot be replaced.
    """
    if target.exists() and target.samefile(source):
        raise BadMedia(f"{target.name}: input and output are the same file")
    # Absolute, so that no name can be taken for a network address.
    partial = target.absolute().with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield partial
        with explained(target, FAILED):
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def open_output(media: Media, target: Path, container: Container) -> Iterator[Muxer]:
    """Open an output: a file as of ``whole_file``, or standard output, for which nothing is sure.

    Raises:
        BadMedia: input and output are one file, or the container cannot be written.
    """
    if target == STANDARD_OUTPUT:
        with _muxing(media, "pipe:1", target, container) as muxer:
            yield muxer
        return
    with whole_file(media.path, target) as partial:
        with _muxing(media, str(partial), target, container) as muxer:
            yield muxer
        if container.muxer not in IN_BAND and not all(map(_has_lengths, media.videos)):
            _check_made(partial, media, container)


def _check_made(made: Path, media: Media, container: Container) -> None:
    """Look whether a decoder configuration was made out of start codes.

    FFmpeg's muxers say nothing where parameter sets are too damaged for one.
    """
    try:
        with open_media(made):
            return
    except BadMedia as error:
        reason = f"{container.muxer} cannot hold its parameter sets"
        raise BadMedia(f"{media.path.name}: {reason}") from error


@contextmanager
def _muxing(media: Media, name: str, target: Path, container: Container) -> Iterator[Muxer]:
    with explained(target, FAILED):
        options = dict(container.options)
        if "movflags" in options and _waits_for_sound(media):
            options["movflags"] = _FRAGMENTS
        output = av.open(name, "w", format=container.muxer, container_options=options)
        muxer = Muxer(media, output)
    try:
        yield muxer
    except BaseException:
        with suppress(av.FFmpegError):  # the first error is the one to tell
            output.close()
        raise
    with explained(target, FAILED):
        output.close()


def _waits_for_sound(media: Media) -> bool:
    """Tell whether some AAC tells its configuration only as it comes.

    Then the head cannot stand alone before all fragments, as FFmpeg would not know what to write.
    """
    return any(
        stream.codec_context.name == "aac" and not extradata_of(stream)
        for stream in media.container.streams.audio
    )


def _add(media: Media, output: OutputContainer, stream: Stream) -> Stream | None:
    if output.format.name in RAW_FORMATS and stream.index != media.videos[0].stream.index:
        return None
    # Typed as the library types it: streams of data have none.
    context: Any = stream.codec_context
    # Other containers take what they cannot name, and then nobody can open the file.
    is_named = context is not None
    if not is_named and not output.format.name == media.container.format.name == "mpegts":
        return None
    if is_named and not _fits(media, output, stream, context):
        return None
    try:
        added = output.add_stream_from_template(stream, opaque=is_named)
    except ValueError:  # the container cannot hold it, or nobody knows what it is
        return None
    if is_named:
        added.metadata.update(stream.metadata)
        added.disposition = stream.disposition
    return added


def _fits(media: Media, output: OutputContainer, stream: Stream, context: Any) -> bool:
    if output.format.name == "mpegts" and not _fits_transport_stream(media, stream, context):
        return False
    if output.format.name == "matroska" and not _has_configuration(media, stream, context):
        return False
    videos = [video for video in media.videos if video.stream.index == stream.index]
    if output.format.name not in IN_BAND and not all(map(_has_parameter_sets, videos)):
        raise BadMedia(f"{media.path.name}: has no decoder configuration")
    # Without a rate the demuxer could not make out what it is.
    return stream.type != "audio" or bool(context.sample_rate)


def _has_lengths(video: Video) -> bool:
    return framing_of(video.codec, video.extradata).length_bytes is not None


def _has_parameter_sets(video: Video) -> bool:
    """Tell whether a decoder configuration is there, or can be made out of start codes."""
    if _has_lengths(video):
        return True
    framing = Framing(video.codec)
    return {span.kind for span in walk(video.extradata, framing)} >= _PARAMETER_SETS[video.codec]


def _fits_transport_stream(media: Media, stream: Stream, context: Any) -> bool:
    # Raw AAC gets its ADTS headers from its configuration.
    fits = context.codec.canonical_name in _TRANSPORT_STREAM_CODECS
    return fits and _has_configuration(media, stream, context)


def _has_configuration(media: Media, stream: Stream, context: Any) -> bool:
    """Tell whether AAC can be made out; of a transport stream each frame tells its own."""
    if context.codec.canonical_name != "aac" or media.container.format.name == "mpegts":
        return True
    return bool(extradata_of(stream))
