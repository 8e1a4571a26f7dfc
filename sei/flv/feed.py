"""Walk the tags of an FLV stream in place, whatever the size of the pieces it comes in.

| held between two pieces | at most |
| --- | --- |
| the beginning of the file header | 1,028 bytes |
| one unfinished tag | 8 MiB |

Everything else stays in the piece that it came in. A stream that is out of step is given up:
guessing where the next tag begins would show bytes of a picture as tags.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from struct import Struct
from typing import Final

from sei.errors import BadFlv, BadMedia
from sei.flv.tags import (
    AUDIO,
    FILE_HEADER_BYTES,
    MAX_FILE_HEADER_BYTES,
    MAX_TAG_BYTES,
    SCRIPT,
    SIZE_BYTES,
    TAG_HEADER_BYTES,
    VIDEO,
)
from sei.flv.video import VideoRewriter

_HEADER: Final = Struct(">III")
"""Type and size; timestamp; stream id, and the first byte of what follows."""
_EMPTY_TAG_BYTES: Final = TAG_HEADER_BYTES + SIZE_BYTES
_ENCRYPTED: Final = 0x20
_AAC_HEADS: Final = frozenset(bytes((0xA0 | rest, 0)) for rest in range(16))
"""How AAC configurations begin, which often bear the time 0."""
_KINDS: Final = frozenset({AUDIO, VIDEO, SCRIPT})


class TagFeed(ABC):
    """Rewrites the video tags of a stream and hands over what comes of it.

    Args:
        video: looks at each video tag.
        every: whether ``_emit`` is told of every tag, or only of those that changed.
        max_tag_bytes: the largest body that is taken.
    """

    def __init__(
        self, video: VideoRewriter, *, every: bool, max_tag_bytes: int = MAX_TAG_BYTES
    ) -> None:
        self.video: Final = video
        self._every: Final = every
        self._max_tag_bytes: Final = max_tag_bytes
        self._held: Final = bytearray()
        self._began = False
        self._sound_ms = 0
        self.sound_runs_back = False
        """Whether some sound came after later sound; seen where not every tag is told."""

    @property
    def held_bytes(self) -> int:
        """How many bytes of an unfinished tag, or of the file header, wait for the rest."""
        return len(self._held)

    @abstractmethod
    def _emit(
        self, buffer: bytes, at: int, end: int, time_ms: int, rewritten: bytes | None
    ) -> None:
        """Take a tag: where it lies, its trailing size included, and its new form if it has one."""

    @abstractmethod
    def _begin(self, at: int) -> None:
        """Hear that a buffer is gone over from an offset on."""

    @abstractmethod
    def _end(self, buffer: bytes, at: int) -> None:
        """Hear that it was gone over to an offset: whole tags, or the file header."""

    def _take(self, chunk: bytes) -> None:
        at = self._fill(chunk) if self._held or not self._began else 0
        if at < len(chunk):
            end = self._walk(chunk, at)
            self._held.extend(memoryview(chunk)[end:])
            self._check_held()

    def _fill(self, chunk: bytes) -> int:
        """Complete what is held; give how much of the piece that took."""
        at = 0
        while at < len(chunk) or len(self._held) >= self._wanted():
            wanted = self._wanted()
            missing = wanted - len(self._held)
            if missing > 0:
                self._held.extend(chunk[at : at + missing])
                at += min(missing, len(chunk) - at)
                self._check_held()
                continue
            whole = bytes(self._held)
            self._held.clear()
            if self._began:
                self._walk(whole, 0)
            else:
                self._began = True
                self._begin(0)
                self._end(whole, len(whole))
            break
        return at

    def _wanted(self) -> int:
        """Say how many bytes make the next step whole: a header, then what it announces."""
        held = self._held
        if not self._began:
            if len(held) < FILE_HEADER_BYTES:
                return FILE_HEADER_BYTES
            return int.from_bytes(held[5:9], "big") + SIZE_BYTES
        if len(held) < _EMPTY_TAG_BYTES:
            return _EMPTY_TAG_BYTES
        return _EMPTY_TAG_BYTES + int.from_bytes(held[1:4], "big")

    def _walk(self, buffer: bytes, at: int) -> int:
        """Go over the whole tags from an offset on; give where the first unfinished one begins."""
        last = len(buffer) - _EMPTY_TAG_BYTES
        unpack, rewrite, every = _HEADER.unpack_from, self.video.rewrite, self._every
        largest = self._max_tag_bytes
        self._begin(at)
        while at <= last:
            kind_size, time, stream = unpack(buffer, at)
            size = kind_size & 0xFFFFFF
            end = at + TAG_HEADER_BYTES + size
            kind = kind_size >> 24
            if kind not in _KINDS or stream > 0xFF or size > largest:
                self._refuse(buffer, at)
            if end > last + TAG_HEADER_BYTES:
                break
            if kind == VIDEO:
                time_ms = (time & 0xFF) << 24 | time >> 8
                rewritten = rewrite(buffer, at, end, time_ms)
                if every or rewritten is not None:
                    self._emit(buffer, at, end + SIZE_BYTES, time_ms, rewritten)
            elif every:
                time_ms = (time & 0xFF) << 24 | time >> 8
                self._emit(buffer, at, end + SIZE_BYTES, time_ms, None)
            elif kind == AUDIO:
                time_ms = (time & 0xFF) << 24 | time >> 8
                if time_ms >= self._sound_ms:
                    self._sound_ms = time_ms
                elif buffer[at + TAG_HEADER_BYTES : at + TAG_HEADER_BYTES + 2] not in _AAC_HEADS:
                    self.sound_runs_back = True
            at = end + SIZE_BYTES
        self._end(buffer, at)
        return at

    def _check_held(self) -> None:
        """Refuse what no further byte could put right."""
        held = self._held
        if not self._began:
            if not (b"FLV\x01".startswith(held[:4]) or held.startswith(b"FLV\x01")):
                raise BadFlv("the stream is not FLV version 1")
            if len(held) >= FILE_HEADER_BYTES:
                offset = int.from_bytes(held[5:9], "big")
                if not FILE_HEADER_BYTES <= offset <= MAX_FILE_HEADER_BYTES:
                    raise BadFlv(f"the header of the stream claims {offset} bytes")
        elif held and held[0] not in _KINDS and held[0] & ~_ENCRYPTED not in _KINDS:
            raise BadFlv(f"a tag of type {held[0]}: the stream is out of step")
        elif len(held) >= TAG_HEADER_BYTES:
            self._check_header(bytes(held[:TAG_HEADER_BYTES]))

    def _check_header(self, header: bytes) -> None:
        size = int.from_bytes(header[1:4], "big")
        if size > self._max_tag_bytes:
            raise BadFlv(f"a tag of {size} bytes; at most {self._max_tag_bytes} are taken")
        if any(header[8:11]):
            raise BadFlv("a tag whose stream id is not 0: the stream is out of step")

    def _refuse(self, buffer: bytes, at: int) -> None:
        """Say why a tag cannot be taken.

        One that claims to be encrypted must be whole, to tell it from a stream out of step.
        """
        kind = buffer[at]
        self._check_header(buffer[at : at + TAG_HEADER_BYTES])
        end = at + TAG_HEADER_BYTES + int.from_bytes(buffer[at + 1 : at + 4], "big")
        if kind & ~_ENCRYPTED in _KINDS:
            if end + SIZE_BYTES > len(buffer):
                return
            if int.from_bytes(buffer[end : end + SIZE_BYTES], "big") == end - at:
                raise BadMedia("the stream is encrypted; nothing can be put into it")
        raise BadFlv(f"a tag of type {kind}: the stream is out of step")
