"""Pictures out of MP4 and MPEG-TS that are in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import av
from av.packet import Packet

from sei.errors import BadMedia
from sei.packets.packet import new_extradata
from sei.probe.judge import Picture
from sei.wire.framing import CODECS, Codec, framing_of
from sei.wire.message import find_messages

if TYPE_CHECKING:
    from av.codec.context import CodecContext

_OPTIONS: Final = {
    "protocol_whitelist": "",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,mpegts,flv",
}
"""Bytes of a stranger: none of FFmpeg's formats that open other files."""
_CODECS: Final[dict[str, Codec]] = {codec: codec for codec in CODECS}


def pictures_in(media: bytes) -> list[Picture]:
    """List the pictures of the first video stream; the last one may be cut off.

    Blocks for as long as demuxing takes: for a thread.

    Raises:
        BadMedia: it is no media, or has no H.264 or HEVC in it.
    """
    try:
        container = av.open(
            io.BytesIO(media), "r", metadata_errors="ignore", container_options=dict(_OPTIONS)
        )
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise BadMedia(f"what answered cannot be read as media: {reason}") from error
    with container:
        if not container.streams.video:
            raise BadMedia("there is no video in what answered")
        video = container.streams.video[0]
        context = cast("CodecContext | None", video.codec_context)  # none of what has no decoder
        codec = None if context is None else _CODECS.get(context.name)
        if context is None or codec is None:
            raise BadMedia("the video is neither H.264 nor HEVC")
        extradata = context.extradata or b""
        return list(_pictures(container.demux(video), codec, extradata))


def _pictures(packets: Iterator[Packet[Any]], codec: Codec, extradata: bytes) -> Iterator[Picture]:
    framing = framing_of(codec, extradata)
    try:
        for packet in packets:
            if not packet.size or packet.dts is None:
                continue
            changed = new_extradata(packet)
            if changed is not None:
                framing = framing_of(codec, changed)
            time_ms = float(packet.dts * Fraction(packet.time_base) * 1000)
            yield Picture(time_ms, packet.is_keyframe, find_messages(bytes(packet), framing))
    except (av.FFmpegError, IndexError):
        return  # where it was cut off; PyAV has no place for a stream that begins in the midst
