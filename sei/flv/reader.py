"""Read room state out of an HTTP-FLV stream as it comes in, with no media library."""

from __future__ import annotations

from typing import Final, NamedTuple

from room.position import Position
from sei.errors import BadPayload
from sei.flv.tags import Tag, TagParser, read_video
from sei.wire.assembler import Assembler
from sei.wire.framing import Codec, Framing, framing_of
from sei.wire.message import find_messages
from sei.wire.payload import Signature, StreamSnapshot, decode, room_tag

_LENGTH_BYTES: Final = 4
"""Of NAL units before the decoder configuration has been seen."""


class Sighting(NamedTuple):
    """A whole snapshot, and the time at which the picture that completes it is shown."""

    position: Position
    ts_ms: int
    body: bytes
    pts_ms: int
    signature: Signature | None = None


class FlvStateReader:
    """Takes the bytes of a stream and gives the snapshots of one room.

    Repeats are given each time: whether one is new is for the reader's position to say. Messages
    of other rooms, and what does not follow the format, are counted and passed over.

    Args:
        room: id of the room.
    """

    def __init__(self, room: str) -> None:
        self._room_tag: Final = room_tag(room)
        self._tags: Final = TagParser()
        self._assembler: Final = Assembler()
        self._framings: Final[dict[Codec, Framing]] = {}
        self.foreign = 0
        """Messages of other rooms or formats."""
        self.broken = 0
        """Messages that are malformed, or whose CRC does not hold."""

    def feed(self, chunk: bytes) -> list[Sighting]:
        """Take bytes; give the snapshots that they complete, in decoding order.

        Raises:
            BadFlv: the stream is not FLV, or out of step.
        """
        return [sighting for tag in self._tags.feed(chunk) for sighting in self._in_tag(tag)]

    def _in_tag(self, tag: Tag) -> list[Sighting]:
        video = read_video(tag)
        if video is None:
            return []
        if video.part == "configuration":
            framing = framing_of(video.codec, video.content)
            if framing.length_bytes is not None:  # else the record is broken
                self._framings[video.codec] = framing
            return []
        if video.part != "access_unit":
            return []
        framing = self._framings.get(video.codec, Framing(video.codec, _LENGTH_BYTES))
        snapshots = map(self._offer, find_messages(video.content, framing))
        pts_ms = tag.timestamp_ms + video.composition_ms
        return [
            Sighting(snapshot.position, snapshot.ts_ms, snapshot.body, pts_ms, snapshot.signature)
            for snapshot in snapshots
            if snapshot is not None
        ]

    def _offer(self, body: bytes) -> StreamSnapshot | None:
        try:
            message = decode(body)
            if message is None or message.room_tag != self._room_tag:
                self.foreign += 1
                return None
            self.broken += not message.crc_holds
            return self._assembler.offer(message)
        except BadPayload:
            self.broken += 1
            return None
