"""FLV cut into pieces that have a time: whole tags, otherwise as they are. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from sei.flv.tags import FILE_HEADER_BYTES, MAX_TAG_BYTES, SIZE_BYTES, TAG_HEADER_BYTES

_EMPTY_TAG_BYTES: Final = TAG_HEADER_BYTES + SIZE_BYTES


class Piece(NamedTuple):
    """A tag, or the file header."""

    time_ms: int
    content: bytes


class TagTimes:
    """Cuts FLV into tags, whatever the size of the chunks; judges nothing.

    What is no FLV comes out too: to say so is for who parses it. At most one tag is held.
    """

    def __init__(self) -> None:
        self._held = b""
        self._began = False

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take bytes; give the pieces that they complete."""
        buffer = self._held + chunk
        pieces = []
        at = 0
        while len(buffer) - at >= _EMPTY_TAG_BYTES:
            end = at + self._size(buffer, at)
            if end > len(buffer):
                break
            time_ms = buffer[at + 7] << 24 | int.from_bytes(buffer[at + 4 : at + 7], "big")
            pieces.append(Piece(time_ms if self._began else 0, buffer[at:end]))
            self._began = True
            at = end
        self._held = buffer[at:]
        return pieces

    def end(self) -> Piece:
        """Give what is held at the end of the input, which is no whole tag."""
        held, self._held = self._held, b""
        return Piece(0, held)

    def _size(self, buffer: bytes, at: int) -> int:
        if not self._began:
            offset = int.from_bytes(buffer[at + 5 : at + FILE_HEADER_BYTES], "big")
            return min(offset, len(buffer) - SIZE_BYTES) + SIZE_BYTES
        size = int.from_bytes(buffer[at + 1 : at + 4], "big")
        return _EMPTY_TAG_BYTES + min(size, MAX_TAG_BYTES)
