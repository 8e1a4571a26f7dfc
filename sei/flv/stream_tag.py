"""A tag on its way through a live stream: encoded once, shared by every output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class StreamTag(NamedTuple):
    """One FLV tag, its trailing size included.

    | bytes of ``encoded`` | what |
    | --- | --- |
    | 0..10 | tag header, with ``kind`` and ``timestamp_ms`` |
    | 11..-5 | body |
    | -4.. | 11 + size of the body |
    """

    kind: int
    """``AUDIO``, ``VIDEO`` or ``SCRIPT``."""
    timestamp_ms: int
    """Of the output: never falls, modulo 2^32."""
    is_configuration: bool
    """Script data, or what a decoder must have first; players that join get the last of each."""
    is_keyframe: bool
    """An access unit at which a player may start."""
    encoded: bytes


class TagSink(Protocol):
    """An output of tags. Called in the event loop, in stream order; neither waits nor raises."""

    def publish(self, tags: Sequence[StreamTag]) -> None:
        """Take what came in at once; may be empty."""
        ...
