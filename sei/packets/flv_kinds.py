"""What begins late in an FLV stream, of which PyAV's demuxer would say nothing. Pure."""

from __future__ import annotations

from typing import Final

from sei.flv.tags import AUDIO, VIDEO
from sei.packets.opening import Readable

_FILE_HEADER_BYTES: Final = 13
_AROUND_BYTES: Final = 15
"""Of a tag around its body. So much is looked at, too: an empty tag has no more, and the beginning
of a body names its codec."""
_ENHANCED: Final = 0x80


class FlvKinds:
    """Lets bytes pass and looks at the head of each tag.

    Args:
        head: what comes before the source; where it is no FLV, nothing is looked at.
        source: gives the rest.
    """

    def __init__(self, head: bytes, source: Readable) -> None:
        self._before = memoryview(head)
        self._source: Final = source
        self._is_flv: Final = head.startswith(b"FLV")
        self._head = b""
        self._skip_bytes = _FILE_HEADER_BYTES
        self.has_sound = False
        self.video_codecs: Final[set[bytes]] = set()
        """By FLV's number, or by its FourCC without the last character."""

    def read(self, size: int) -> bytes:
        """Give what comes next."""
        chunk = bytes(self._before[:size])
        if chunk:
            self._before = self._before[size:]
        else:
            chunk = self._source.read(size)
        at = 0 if self._is_flv else len(chunk)
        while at < len(chunk):
            skipped = min(self._skip_bytes, len(chunk) - at)
            self._skip_bytes -= skipped
            at += skipped
            wanted = _AROUND_BYTES - len(self._head)
            self._head += chunk[at : at + wanted]
            at += wanted
            if len(self._head) == _AROUND_BYTES:
                self._look(self._head)
                self._head = b""
        return chunk

    def _look(self, head: bytes) -> None:
        body_bytes = int.from_bytes(head[1:4], "big")
        self._skip_bytes = body_bytes
        if head[0] == AUDIO and body_bytes:
            self.has_sound = True
        elif head[0] == VIDEO and body_bytes > 5:
            first = head[11]
            self.video_codecs.add(head[12:15] if first & _ENHANCED else bytes((first & 0xF,)))
