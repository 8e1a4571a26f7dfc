"""Pictures out of FLV, as it comes in."""

from __future__ import annotations

from typing import Final

from sei.flv.tags import Tag, TagParser, read_video
from sei.probe.judge import Picture
from sei.wire.framing import Codec, Framing, framing_of
from sei.wire.message import find_messages

_LENGTH_BYTES: Final = 4
"""Of NAL units before the decoder configuration has been seen."""


class FlvPictures:
    """Takes the bytes of a stream in pieces of any size."""

    def __init__(self) -> None:
        self._tags: Final = TagParser()
        self._framings: Final[dict[Codec, Framing]] = {}

    def feed(self, chunk: bytes) -> list[Picture]:
        """Take bytes; give the pictures that they complete.

        Raises:
            BadFlv: the stream is not FLV, or out of step.
        """
        pictures = map(self._picture, self._tags.feed(chunk))
        return [picture for picture in pictures if picture is not None]

    def _picture(self, tag: Tag) -> Picture | None:
        video = read_video(tag)
        if video is None:
            return None
        if video.part == "configuration":
            framing = framing_of(video.codec, video.content)
            if framing.length_bytes is not None:
                self._framings[video.codec] = framing
        if video.part != "access_unit":
            return None
        framing = self._framings.get(video.codec, Framing(video.codec, _LENGTH_BYTES))
        bodies = find_messages(video.content, framing)
        return Picture(tag.timestamp_ms, video.is_keyframe, bodies)
