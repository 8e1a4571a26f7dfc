"""Find room state in a media file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from av.packet import Packet
from av.stream import Stream

from sei.errors import BadPayload
from sei.files.media import open_media, seconds
from sei.files.packet import new_extradata
from sei.wire.assembler import Assembler
from sei.wire.framing import Framing, framing_of
from sei.wire.message import find_messages
from sei.wire.payload import Message, StreamSnapshot, decode


@dataclass(frozen=True, slots=True)
class Found:
    """One message with our UUID, well formed or not."""

    pts_s: float | None
    """When the picture that carries it is shown, as the container says."""
    is_keyframe: bool
    message: Message | None
    """None where it cannot be read, or is of another format and to be ignored."""
    problem: str | None
    """Why it cannot be read, in one sentence; None where it is only of another format."""
    snapshot: StreamSnapshot | None
    """What this message completes."""

    @property
    def crc_holds(self) -> bool:
        """Tell whether the message arrived as it was sent."""
        return self.message is not None and self.message.crc_holds


def read(source: Path) -> Iterator[Found]:
    """Give every message with our UUID in a media file, in decoding order.

    The NAL units are walked by our own code, so that each message is found: decoders show only
    the last one of a picture.

    Raises:
        BadMedia: the file cannot be read; also after some messages, where it is broken later on.
    """
    with open_media(source) as media:
        videos = {video.stream.index: video for video in media.videos}
        framings = {
            index: framing_of(video.codec, video.extradata) for index, video in videos.items()
        }
        assembler = Assembler()
        for packet in media.packets(*(video.stream for video in videos.values())):
            index = packet.stream.index
            extradata = new_extradata(packet)
            if extradata is not None:
                framings[index] = framing_of(videos[index].codec, extradata)
            yield from _in_packet(packet, framings[index], assembler)


def _in_packet(packet: Packet[Stream], framing: Framing, assembler: Assembler) -> Iterator[Found]:
    pts_s = None if packet.pts is None else seconds(packet.pts, packet.time_base)
    for body in find_messages(bytes(packet), framing):
        message = snapshot = problem = None
        try:
            message = decode(body)
            snapshot = assembler.offer(message) if message else None
        except BadPayload as error:
            problem = error.message
        yield Found(pts_s, packet.is_keyframe, message, problem, snapshot)
