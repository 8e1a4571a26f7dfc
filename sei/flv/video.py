"""Video tags as the rewriter sees them: foreign messages out, ours in, in the bytes as they came.

The same rules as ``sei.insertion.rewrite``, on a tag in place. Only units that are SEI are searched
for our UUID, so a picture costs a few steps however large it is. A hostile tag costs no more than
its bounds say.

| | H.264 | HEVC |
| --- | --- | --- |
| tag of old | codec 7 | codec 12, in China |
| enhanced tag | `avc1` | `hvc1` |

The enhanced format names no `hev1`. Tags of other codecs, with several tracks or with extensions
stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sei.errors import BadFlv, BadMedia
from sei.flv.record import without_our_units
from sei.insertion.cadence import Cadence, Injection
from sei.wire.framing import CODECS, Codec, Framing, framing_of
from sei.wire.message import UUID_BYTES, message_unit, remove_messages
from sei.wire.nal import HEADER_BYTES, Span, insert_offset, is_sei, is_vcl, kind_of

MAX_UNITS: Final = 16_384
"""In one access unit. The largest picture of H.264 level 5.2 has 36,864 macroblocks, no encoder a
slice for every second one."""
MAX_SEARCHED_BYTES: Final = 64 * 1024
"""Of SEI in an access unit that holds a foreign message; ours have at most 4,000."""
_TAG_HEADER_BYTES: Final = 11
_SIZE_BYTES: Final = 4
_BLINDED: Final = UUID_BYTES[:-1] + bytes((UUID_BYTES[-1] ^ 0x0F,))
"""Not our UUID, and no longer or shorter: a message under it is for nobody."""
_LENGTH_BYTES: Final = 4
"""Before the decoder configuration has been seen."""
_VCL: Final = 1
_SEI: Final = 2
_NOWHERE: Final = -1
_HAS_OURS: Final = -2
_KEYFRAME: Final = 1
_CONFIGURATION: Final = 0
_CODED: Final = 1
_CODED_WITHOUT_OFFSET: Final = 3
_MAX_UNITS_KEPT: Final = 64

Messages = Callable[[int], tuple[bytes, ...]]
"""Gives those of the newest snapshot at a time of the stream in ms."""


class _Track:
    """What is known of one codec's units."""

    __slots__ = ("codec", "framing", "length_bytes", "roles", "shortest")

    def __init__(self, codec: Codec) -> None:
        self.codec: Final = codec
        self.length_bytes = _LENGTH_BYTES
        self.framing = Framing(codec, _LENGTH_BYTES)
        self.shortest: Final = HEADER_BYTES[codec]
        self.roles: Final = bytes(_role(header, codec) for header in range(256))
        """By the first byte of a unit."""


class VideoRewriter:
    """Rewrites the video tags of one stream, in order.

    Args:
        messages: what is to go in.
        injection: when it goes in.
    """

    def __init__(self, messages: Messages, injection: Injection = "on") -> None:
        self._messages: Final = messages
        self._choose: Final = Cadence(injection).choose
        tracks = {codec: _Track(codec) for codec in CODECS}
        self._by_id: Final = {7: tracks["h264"], 12: tracks["hevc"]}
        self._by_fourcc: Final = {b"avc1": tracks["h264"], b"hvc1": tracks["hevc"]}
        self._units: Final[dict[tuple[bytes, Framing], bytes]] = {}
        self.codec: Codec | None = None
        """Of the last tag that was H.264 or HEVC."""
        self.codec_changes = False
        """Whether some are H.264 and some HEVC."""
        self.access_units = 0
        self.injected = 0
        self.removed = 0

    def rewrite(self, buffer: bytes, at: int, end: int, time_ms: int) -> bytes | None:
        """Look at one tag.

        Args:
            buffer: holds all of it.
            at: offset of its header.
            end: offset of the size behind its body.
            time_ms: its timestamp.

        Returns:
            The tag anew, the size behind it included; None where it stays as it is.

        Raises:
            BadFlv: it is beyond the bounds of an access unit.
            BadMedia: the stream's length prefix is too small for a message.
        """
        if end - at < _TAG_HEADER_BYTES + 5:
            return None
        first = buffer[at + 11]
        content = at + 16
        if first < 0x80:
            track = self._by_id.get(first & 0x0F)
            part = buffer[at + 12]
            coded = part == _CODED
        else:
            track = self._by_fourcc.get(buffer[at + 12 : at + 16])
            part = first & 0x0F
            coded = part in (_CODED, _CODED_WITHOUT_OFFSET)
            content += 3 if part == _CODED else 0
        if track is None:
            return None
        if track.codec != self.codec:
            self.codec_changes = self.codec is not None
            self.codec = track.codec
        if not coded:
            take = self._configure if part == _CONFIGURATION else self._blind
            return take(buffer, at, end, track)
        self.access_units += 1
        start = content + track.length_bytes
        if (
            start + int.from_bytes(buffer[content:start], "big") == end
            and end - start >= track.shortest
            and track.roles[buffer[start]] == _VCL
        ):
            place = content  # a picture of one slice, the usual case
        else:
            place = _look(buffer, content, end, track)
        if place == _NOWHERE:
            return None
        is_keyframe = first >> 4 & 7 == _KEYFRAME
        if place == _HAS_OURS:
            return self._clean(buffer, at, content, end, track, is_keyframe, time_ms)
        body = self._choose(time_ms, is_keyframe, self._messages(time_ms))
        if body is None:
            return None
        unit = self._unit(body, track.framing)
        return _tag(buffer[at:content], buffer[content:place], unit, buffer[place:end])

    def _configure(self, buffer: bytes, at: int, end: int, track: _Track) -> bytes | None:
        content = at + 16
        record = buffer[content:end]
        framing = framing_of(track.codec, record)
        if framing.length_bytes is None:  # a broken record changes nothing
            return None
        track.framing, track.length_bytes = framing, framing.length_bytes
        kept, removed = without_our_units(record, track.codec)
        self.removed += removed
        return _tag(buffer[at:content], kept) if removed else None

    def _blind(self, buffer: bytes, at: int, end: int, _track: _Track) -> bytes | None:
        """Make messages unreadable in a tag of a kind that is not known here.

        Some players take it for a picture; what is in it can't be taken out without knowing more.
        """
        found = buffer.count(UUID_BYTES, at, end)
        if not found:
            return None
        self.removed += found
        return buffer[at : end + _SIZE_BYTES].replace(UUID_BYTES, _BLINDED)

    def _clean(
        self,
        buffer: bytes,
        at: int,
        content_at: int,
        end: int,
        track: _Track,
        is_keyframe: bool,
        time_ms: int,
    ) -> bytes | None:
        content, removed = remove_messages(buffer[content_at:end], track.framing)
        self.removed += removed
        place = insert_offset(content, track.framing)
        body = None
        if place is not None:
            body = self._choose(time_ms, is_keyframe, self._messages(time_ms))
        if place is None or body is None:
            return _tag(buffer[at:content_at], content) if removed else None
        unit = self._unit(body, track.framing)
        return _tag(buffer[at:content_at], content[:place], unit, content[place:])

    def _unit(self, body: bytes, framing: Framing) -> bytes:
        """Give the framed unit of a message that goes in now."""
        unit = self._units.get((body, framing))
        if unit is None:
            unit = self._build(body, framing)
        self.injected += 1
        return unit

    def _build(self, body: bytes, framing: Framing) -> bytes:
        try:
            unit = framing.frame(message_unit(body, framing.codec))
        except OverflowError as error:
            raise BadMedia(
                f"the stream's lengths of {framing.length_bytes} byte hold no message"
            ) from error
        if len(self._units) >= _MAX_UNITS_KEPT:
            self._units.clear()
        self._units[body, framing] = unit
        return unit


def _look(buffer: bytes, at: int, end: int, track: _Track) -> int:
    """Give where in an access unit an SEI goes, if it needs no cleaning before."""
    roles, shortest = track.roles, track.shortest
    length_bytes = track.length_bytes
    place, searched, has_ours = _NOWHERE, 0, False
    for _ in range(MAX_UNITS):
        start = at + length_bytes
        if start >= end:
            break
        stop = start + int.from_bytes(buffer[at:start], "big")
        if stop > end:
            break
        role = roles[buffer[start]]
        if role and stop - start >= shortest:
            if role == _SEI:
                searched += stop - start
                has_ours = has_ours or buffer.find(UUID_BYTES, start, stop) >= 0
            elif place < 0:
                place = at
        at = stop
    else:
        raise BadFlv(f"an access unit of more than {MAX_UNITS} units")
    if has_ours and searched > MAX_SEARCHED_BYTES:
        raise BadFlv(f"an access unit with {searched} bytes of SEI, messages of ours among them")
    return _HAS_OURS if has_ours else place


def _tag(head: bytes, *parts: bytes) -> bytes:
    """Put a tag together; ``head`` is what stood before its changed content, header and all."""
    size = len(head) - _TAG_HEADER_BYTES + sum(map(len, parts))
    sized = head[:1] + size.to_bytes(3, "big") + head[4:]
    return b"".join((sized, *parts, (_TAG_HEADER_BYTES + size).to_bytes(4, "big")))


def _role(header: int, codec: Codec) -> int:
    span = Span(0, 0, 0, kind_of(header, codec))
    return _SEI if is_sei(span, codec) else _VCL if is_vcl(span, codec) else 0
