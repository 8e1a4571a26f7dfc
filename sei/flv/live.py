"""FLV in, tags out: what a live stream does with the bytes of its input."""

from __future__ import annotations

from typing import Final

from sei.flv.clock import TagClock
from sei.flv.feed import TagFeed
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, TAG_HEADER_BYTES
from sei.flv.video import Messages, VideoRewriter
from sei.insertion.cadence import Injection

_AAC: Final = 10
_ENHANCED_AUDIO: Final = 9
_ENHANCED_VIDEO: Final = 0x80
_SEQUENCE_START: Final = 0
_KEYFRAME: Final = 1
_HAVE_CONFIGURATION: Final = frozenset({7, 12})


class LiveRewriter(TagFeed):
    """Takes the bytes of one life of an input and gives its tags, rewritten and placed in time.

    Args:
        messages: what is to go in, by the time of the tags.
        clock: that of the output; it outlives this.
        injection: when messages go in.
    """

    def __init__(self, messages: Messages, clock: TagClock, injection: Injection = "on") -> None:
        super().__init__(VideoRewriter(messages, injection), every=True)
        self._clock: Final = clock
        self._tags: list[StreamTag] = []

    def feed(self, chunk: bytes) -> list[StreamTag]:
        """Take bytes; give the tags that they complete.

        Raises:
            BadFlv: it is not FLV, out of step, or beyond a bound.
            BadMedia: it is encrypted, or its lengths are too small for a message.
        """
        tags = self._tags = []
        self._take(chunk)
        return tags

    def _begin(self, at: int) -> None:
        pass

    def _end(self, buffer: bytes, at: int) -> None:
        pass

    def _emit(
        self, buffer: bytes, at: int, end: int, time_ms: int, rewritten: bytes | None
    ) -> None:
        encoded = buffer[at:end] if rewritten is None else rewritten
        kind = encoded[0]
        is_configuration, is_keyframe = _role(kind, encoded)
        placed_ms = self._clock.place(kind, time_ms, is_configuration=is_configuration)
        if placed_ms != time_ms:
            encoded = _with_time(encoded, placed_ms)
        self._tags.append(StreamTag(kind, placed_ms, is_configuration, is_keyframe, encoded))


def _role(kind: int, encoded: bytes) -> tuple[bool, bool]:
    """Tell whether a tag is a configuration, and whether a player may start at it."""
    if kind == SCRIPT:
        return True, False
    if len(encoded) < TAG_HEADER_BYTES + 6:  # no more than one byte, and the size behind it
        return False, False
    first, second = encoded[TAG_HEADER_BYTES], encoded[TAG_HEADER_BYTES + 1]
    if kind == AUDIO:
        return _is_audio_configuration(first, second), False
    is_keyframe = first >> 4 & 7 == _KEYFRAME
    if first & _ENHANCED_VIDEO:
        part = first & 0x0F
        return part == _SEQUENCE_START, is_keyframe and part in (1, 3)
    if first & 0x0F not in _HAVE_CONFIGURATION:
        return False, is_keyframe
    return second == _SEQUENCE_START, is_keyframe and second == 1


def _is_audio_configuration(first: int, second: int) -> bool:
    if first >> 4 == _AAC:
        return second == _SEQUENCE_START
    return first >> 4 == _ENHANCED_AUDIO and first & 0x0F == _SEQUENCE_START


def _with_time(encoded: bytes, time_ms: int) -> bytes:
    time = time_ms.to_bytes(4, "big")
    return b"".join((encoded[:4], time[1:], time[:1], encoded[8:]))
