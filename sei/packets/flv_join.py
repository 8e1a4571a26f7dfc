"""FLV joined in the middle of a group of pictures: what PyAV is shown begins with a picture.

Servers may send sound at once and pictures from their next keyframe on, seconds later. FFmpeg looks
for tracks in the first half second only, and would find sound alone. It believes the file header
where that names a kind, and never looks for one that it leaves out; servers write it by guess.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sei.errors import SourceFailed
from sei.flv.tags import AUDIO, SCRIPT, VIDEO
from sei.packets.opening import Readable

MAX_WAIT_S: Final = 30.0
"""For the first picture."""
MAX_EARLY_MS: Final = 250
"""Of the sound before it; the rest is left out."""
MAX_HEAD_BYTES: Final = 4 * 1024 * 1024
_READ_BYTES: Final = 32 * 1024
_MAGIC: Final = b"FLV\x01"
_FILE_HEADER_BYTES: Final = 13
_FLAGS_AT: Final = 4
_HAS_AUDIO: Final = 4
_HAS_VIDEO: Final = 1
_BODY: Final = 11
_LOOK_BYTES: Final = 13
_AROUND_BYTES: Final = 15
_ENHANCED: Final = 0x80
_NO_PICTURES: Final = (0, 2, 4, 5)
"""Types of enhanced video tags: configuration, end, metadata, configuration of MPEG-2 TS."""
_CONFIGURED: Final = (7, 12)
"""AVC and HEVC, which say in the second byte what the tag holds."""
_COMMAND: Final = 5
_AAC: Final = 10
_ENHANCED_SOUND: Final = 9
_CODED: Final = 1


class _Sound(NamedTuple):
    start: int
    end: int
    time_ms: int


class FlvJoin:
    """Collects the beginning of an FLV stream.

    Args:
        expects_sound: whatever the file header says.
    """

    def __init__(self, *, expects_sound: bool = False) -> None:
        self._expects_sound: Final = expects_sound
        self._raw: Final = bytearray()
        self._at = _FILE_HEADER_BYTES
        self._sounds: Final[list[_Sound]] = []
        self.dropped = 0
        """How many tags of sound were left out."""

    def read_from(self, source: Readable, now: Callable[[], float]) -> bytes:
        """Read up to the first picture, or to the end; give what the demuxer is to begin with.

        What is no FLV, or gets out of step, is given as it is.

        Raises:
            SourceFailed: no picture comes in time.
        """
        until_s = now() + MAX_WAIT_S
        while chunk := source.read(_READ_BYTES):
            self._raw.extend(chunk)
            if self._is_found():
                return self._head()
            if not self._is_flv():
                break
            if len(self._raw) > MAX_HEAD_BYTES or now() > until_s:
                raise SourceFailed(f"no picture came{', only sound' if self._sounds else ''}")
        return bytes(self._raw)

    def _is_found(self) -> bool:
        """Step over whole tags; tell whether the next one is a picture."""
        raw = self._raw
        while self._is_flv() and len(raw) >= self._at + _LOOK_BYTES:
            at = self._at
            if _is_picture(raw, at):
                return True
            end = at + _AROUND_BYTES + int.from_bytes(raw[at + 1 : at + 4], "big")
            if end > len(raw):
                break
            if _is_sound(raw, at):
                time_ms = raw[at + 7] << 24 | int.from_bytes(raw[at + 4 : at + 7], "big")
                self._sounds.append(_Sound(at, end, time_ms))
            self._at = end
        return False

    def _is_flv(self) -> bool:
        raw, at = self._raw, self._at
        known = len(raw) <= at or raw[at] in (AUDIO, VIDEO, SCRIPT)
        return known and raw.startswith(_MAGIC[: len(raw)])

    def _head(self) -> bytes:
        """Leave old sound out, and have the file header name what there is."""
        head, at = bytearray(), 0
        newest_ms = self._sounds[-1].time_ms if self._sounds else 0
        for sound in self._sounds:
            if not 0 <= newest_ms - sound.time_ms <= MAX_EARLY_MS:
                head += self._raw[at : sound.start]
                at = sound.end
                self.dropped += 1
        head += self._raw[at:]
        head[_FLAGS_AT] |= _HAS_VIDEO
        if self._sounds or self._expects_sound:
            head[_FLAGS_AT] |= _HAS_AUDIO
        return bytes(head)


def _is_picture(raw: bytearray, at: int) -> bool:
    """Tell it from configurations, ends, metadata and commands; also for codecs we do not know."""
    first, second = raw[at + _BODY], raw[at + _BODY + 1]
    if raw[at] != VIDEO or not any(raw[at + 1 : at + 4]):
        return False
    if first & _ENHANCED:
        return first & 0xF not in _NO_PICTURES
    is_coded = first & 0xF not in _CONFIGURED or second == _CODED
    return is_coded and first >> 4 != _COMMAND


def _is_sound(raw: bytearray, at: int) -> bool:
    first, second = raw[at + _BODY], raw[at + _BODY + 1]
    if raw[at] != AUDIO or not any(raw[at + 1 : at + 4]):
        return False
    if first >> 4 == _ENHANCED_SOUND:
        return first & 0xF == _CODED
    return first >> 4 != _AAC or second == _CODED
