"""Keeps from every output what configures a decoder as it is already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sei.flv.stream_tag import StreamTag, TagSink
from sei.flv.tags import SCRIPT, SIZE_BYTES, TAG_HEADER_BYTES


class Distinct:
    """Passes tags on to several sinks, but no configuration that is in force.

    Inputs that begin again send theirs once more, some servers at each keyframe. flv.js then begins
    a new track, and shows no picture from there on.

    Args:
        sinks: that get the tags.
    """

    def __init__(self, sinks: Sequence[TagSink]) -> None:
        self._sinks: Final = tuple(sinks)
        self._in_force: Final[dict[int, bytes]] = {}

    def publish(self, tags: Sequence[StreamTag]) -> None:
        """Pass tags on."""
        kept = [tag for tag in tags if not (tag.is_configuration and self._is_repeat(tag))]
        if kept:
            for sink in self._sinks:
                sink.publish(kept)

    def _is_repeat(self, tag: StreamTag) -> bool:
        if tag.kind == SCRIPT:
            return False
        body = tag.encoded[TAG_HEADER_BYTES:-SIZE_BYTES]
        is_repeat = self._in_force.get(tag.kind) == body
        self._in_force[tag.kind] = body
        return is_repeat
