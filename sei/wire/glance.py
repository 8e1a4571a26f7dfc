"""A quick look at a packet: most hold a picture, nothing of ours, and may pass as they are.

The look runs on every packet of every stream, so it copies and builds nothing where it can.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sei.wire.framing import Codec, Framing
from sei.wire.message import UUID_BYTES
from sei.wire.nal import H264_PICTURE, Span, insert_offset, is_sei, is_vcl, kind_of
from sei.wire.search import search_for

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

IsPlain = Callable[["ReadableBuffer", int], bool]
"""Takes a packet and its size; true where it is whole, holds a picture and no message of ours.

False says nothing: such a packet needs the long way.
"""

_SHORTEST_UNIT_BYTES: Final = 2
_PICTURE: Final = 1
_MAY_BE_OURS: Final = 2
_HEVC: Final = Framing("hevc")
_find_picture: Final = H264_PICTURE.search
_holds_uuid: Final = search_for(UUID_BYTES)
_HEADS: Final = {1: ">BB", 2: ">HB", 4: ">IB"}


def plain_check(framing: Framing) -> IsPlain:
    """Give the look for packets of one form."""
    if framing.length_bytes is None:
        return _h264_start_codes if framing.codec == "h264" else _hevc_start_codes
    if framing.length_bytes not in _HEADS:
        return _never
    return _lengths(framing.codec, framing.length_bytes)


def bare_check(framing: Framing) -> IsPlain:
    """Give the look for packets that nothing is to go into: one without a picture may pass too."""
    return plain_check(framing) if framing.length_bytes is not None else _holds_nothing


def _lengths(codec: Codec, length_bytes: int) -> IsPlain:
    head = struct.Struct(_HEADS[length_bytes]).unpack_from
    meaning = bytes(_meaning(header, codec) for header in range(256))

    def is_plain(packet: ReadableBuffer, size: int) -> bool:
        at = seen = 0
        last = size - length_bytes - _SHORTEST_UNIT_BYTES
        while at <= last:
            length, header = head(packet, at)
            seen |= meaning[header]
            if length < _SHORTEST_UNIT_BYTES:
                return False
            at += length_bytes + length
        if at != size or not seen & _PICTURE:
            return False
        return not seen & _MAY_BE_OURS or not _holds_uuid(packet, size)

    return is_plain


def _meaning(header: int, codec: Codec) -> int:
    span = Span(0, 0, 0, kind_of(header, codec))
    if is_sei(span, codec):
        return _MAY_BE_OURS
    return _PICTURE if is_vcl(span, codec) else 0


def _holds_nothing(packet: ReadableBuffer, size: int) -> bool:
    # Escaping never touches the UUID, so where it does not stand no SEI can hold it.
    return not _holds_uuid(packet, size)


def _h264_start_codes(packet: ReadableBuffer, size: int) -> bool:
    return not _holds_uuid(packet, size) and _find_picture(packet) is not None


def _hevc_start_codes(packet: ReadableBuffer, size: int) -> bool:
    return not _holds_uuid(packet, size) and insert_offset(bytes(packet), _HEVC) is not None


def _never(_packet: ReadableBuffer, _size: int) -> bool:
    return False
