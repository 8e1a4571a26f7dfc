"""Where muxers write: never to a network, and to a disk only by way of a writer."""

from __future__ import annotations

from typing import Final

BUFFER_BYTES: Final = 1 << 20
"""Of a muxer: one write for each packet, also for a large keyframe."""


class Memory:
    """A file that cannot seek, emptied after each packet."""

    def __init__(self) -> None:
        self._written: Final = bytearray()

    def write(self, chunk: bytes) -> int:
        """Take bytes from the muxer."""
        self._written.extend(chunk)
        return len(chunk)

    def drain(self) -> bytes:
        """Give what was written since the last time."""
        chunk = bytes(self._written)
        self._written.clear()
        return chunk
