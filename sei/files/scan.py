"""The pictures of a media file with our messages in them, in decoding order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sei.files.media import Media, seconds
from sei.packets.packet import new_extradata
from sei.wire.framing import framing_of
from sei.wire.glance import plain_check
from sei.wire.message import find_messages


class Unit(NamedTuple):
    """One access unit."""

    track: int
    """Index of its stream in the file."""
    dts_s: float | None
    pts_s: float | None
    is_keyframe: bool
    bodies: list[bytes]


def scan(media: Media) -> Iterator[Unit]:
    """Give every access unit of the video streams.

    The NAL units are walked by our own code, so that each message is found: decoders show only
    the last one of a picture.

    Raises:
        BadMedia: the file cannot be read; also after some units, where it is broken later on.
    """
    videos = {video.stream.index: video for video in media.videos}
    framings = {index: framing_of(video.codec, video.extradata) for index, video in videos.items()}
    plain = {index: plain_check(framing) for index, framing in framings.items()}
    bases = {index: video.stream.time_base for index, video in videos.items()}
    for packet in media.packets(*(video.stream for video in videos.values())):
        index = packet.stream_index
        extradata = new_extradata(packet)
        if extradata is not None:
            framings[index] = framing_of(videos[index].codec, extradata)
            plain[index] = plain_check(framings[index])
        is_plain = plain[index](packet, packet.size)
        yield Unit(
            index,
            None if packet.dts is None else seconds(packet.dts, bases[index]),
            None if packet.pts is None else seconds(packet.pts, bases[index]),
            packet.is_keyframe,
            [] if is_plain else find_messages(bytes(packet), framings[index]),
        )
