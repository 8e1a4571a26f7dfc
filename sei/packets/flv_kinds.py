"""What begins late in an FLV stream, of which PyAV's demuxer would say nothing. Pure."""

from __future__ import annotations

from typing import Final

from sei.flv.tags import AUDIO, VIDEO
from sei.packets.opening import Readable

_FILE_HEADER_BYTES: Final = 13
_LOOK_BYTES: Final = 16
"""Of a tag: its header, and so much of the body as names a codec."""
_AROUND_BYTES: Final = 15
_ENHANCED: Final = 0x80


class FlvKinds:
    """Lets bytes pass and looks at the head of each tag.

    Args:
        source: gives FLV.
    """

    def __init__(self, source: Readable) -> None:
        self._source: Final = source
        self._head = b""
        self._skip_bytes = _FILE_HEADER_BYTES
        self.has_sound = False
        self.video_codecs: Final[set[bytes]] = set()
        """By FLV's number, or by FourCC."""

    def read(self, size: int) -> bytes:
        """Give what the source gives."""
        chunk = self._source.read(size)
        at = 0
        while at < len(chunk):
            skipped = min(self._skip_bytes, len(chunk) - at)
            self._skip_bytes -= skipped
            at += skipped
            wanted = _LOOK_BYTES - len(self._head)
            self._head += chunk[at : at + wanted]
            at += wanted
            if len(self._head) == _LOOK_BYTES:
                self._look(self._head)
                self._head = b""
        return chunk

    def _look(self, head: bytes) -> None:
        body_bytes = int.from_bytes(head[1:4], "big")
        # A tag shorter than what is looked at cannot be stepped over; its stream is left alone.
        self._skip_bytes = max(0, _AROUND_BYTES + body_bytes - _LOOK_BYTES)
        if head[0] == AUDIO and body_bytes:
            self.has_sound = True
        elif head[0] == VIDEO and body_bytes > 5:
            first = head[11]
            self.video_codecs.add(head[12:16] if first & _ENHANCED else bytes((first & 0xF,)))
