"""What is known of each track of an input; packets may teach more, and may change it."""

from __future__ import annotations

from typing import Any, Final

import av
from av.packet import Packet
from av.stream import Stream

from sei.errors import BadMedia
from sei.packets.adts import configuration, is_adts, without_header
from sei.packets.layout import TrackSpec
from sei.wire.framing import START_CODE, Codec, Framing, framing_of
from sei.wire.message import UUID_BYTES
from sei.wire.nal import is_vcl, walk

_SEQUENCE_SET: Final[dict[Codec, int]] = {"h264": 7, "hevc": 33}
_SETS: Final[dict[Codec, frozenset[int]]] = {
    "h264": frozenset({7, 8, 13}),
    "hevc": frozenset({32, 33, 34}),
}
_MAX_ATTEMPTS: Final = 50
MAX_PIXELS: Final = 8192 * 8192
"""Larger pictures are not decoded to learn their size, which a few bytes can claim."""


class VideoTrack:
    """The video: its parameter sets, wherever they come from, and its size."""

    def __init__(self, stream: Stream, codec: Codec) -> None:
        context: Any = stream.codec_context
        extradata = bytes(context.extradata or b"")
        self.stream: Final = stream
        self.codec: Final = codec
        self.framing = framing_of(codec, extradata)
        if self.framing.length_bytes is None:
            extradata = _in_band_sets(extradata, Framing(codec))
        self.spec = TrackSpec("video", codec, extradata, context.width, context.height)

    @property
    def is_ready(self) -> bool:
        """Whether a decoder could start at a keyframe."""
        return bool(self.spec.configuration and self.spec.width)

    def examine(self, content: bytes, found: bytes | None, *, is_keyframe: bool) -> None:
        """Learn from a packet, and from the configuration that came with it.

        Raises:
            BadMedia: the decoder configuration holds messages.
        """
        if found is not None:
            self.framing = framing_of(self.codec, found)
            if self.framing.length_bytes is None:
                found = _in_band_sets(found, self.framing)
        elif is_keyframe and self.framing.length_bytes is None:
            found = _in_band_sets(content, self.framing)
        if found and found != self.spec.configuration:
            self._configure(found, content)
        elif is_keyframe and not self.is_ready:
            self._configure(self.spec.configuration, content)

    def _configure(self, extradata: bytes, content: bytes) -> None:
        if UUID_BYTES in extradata:
            raise BadMedia("the decoder configuration holds messages")
        width, height = _size(self.codec, extradata, content)
        self.spec = self.spec._replace(
            configuration=extradata,
            width=width or self.spec.width,
            height=height or self.spec.height,
        )


class AudioTrack:
    """A sound track."""

    def __init__(self, stream: Stream) -> None:
        context: Any = stream.codec_context
        self.stream: Final = stream
        self.spec = TrackSpec(
            "audio",
            str(context.codec.canonical_name),
            bytes(context.extradata or b""),
            rate_hz=context.sample_rate,
            channels=context.layout.name,
        )
        self._attempts = 0

    def examine(self, content: bytes, found: bytes | None, *, is_keyframe: bool) -> None:
        """Learn from a packet, and from the configuration that came with it."""
        if found is None and self.spec.codec == "aac" and is_adts(content):
            found = configuration(content)
        changed = found is not None and found != self.spec.configuration
        if found is not None and changed:
            self.spec = self.spec._replace(configuration=found)
        if (changed or not self.spec.rate_hz) and self._attempts < _MAX_ATTEMPTS:
            self._attempts += 1
            self._listen(content)

    def forms(self, content: bytes) -> tuple[bytes, bytes]:
        """Give a frame for containers with a configuration of their own, and as it is."""
        if self.spec.codec == "aac" and is_adts(content):
            return without_header(content), content
        return content, content

    def _listen(self, content: bytes) -> None:
        context: Any = av.CodecContext.create(self.spec.codec, "r")
        context.extradata = self.spec.configuration or None
        boxed, _ = self.forms(content)
        try:
            frames = context.decode(Packet(boxed))
        except (av.FFmpegError, ValueError):
            return  # this one teaches nothing; the next may
        if frames:
            self.spec = self.spec._replace(
                rate_hz=frames[0].sample_rate, channels=frames[0].layout.name
            )


def _in_band_sets(content: bytes, framing: Framing) -> bytes:
    """Give the parameter sets in front of a picture; nothing where the sequence's is missing."""
    units, has_sequence = [], False
    for span in walk(content, framing):
        if is_vcl(span, framing.codec):
            break
        if span.kind in _SETS[framing.codec]:
            units.append(START_CODE + content[span.start : span.end].rstrip(b"\x00"))
            has_sequence = has_sequence or span.kind == _SEQUENCE_SET[framing.codec]
    return b"".join(units) if has_sequence else b""


def _size(codec: Codec, extradata: bytes, content: bytes) -> tuple[int, int]:
    """Ask a decoder for the size of a picture; 0 where it cannot tell."""
    context: Any = av.CodecContext.create(codec, "r")
    context.extradata = extradata or None
    context.thread_count = 1
    context.options = {"max_pixels": str(MAX_PIXELS)}
    try:
        context.decode(Packet(content))
        context.decode(None)
    except (av.FFmpegError, ValueError):
        pass  # damaged; the size may be known all the same
    return context.width, context.height
