"""One sample as a fragment: ``moof`` and ``mdat`` (ISO/IEC 14496-12 8.8.4 to 8.8.12, 8.1.1).

| bytes | box |
| --- | --- |
| 0 | `moof` |
| 8 | `mfhd`: sequence number |
| 24 | `traf` |
| 32 | `tfhd`: track; offsets count from the `moof` |
| 48 | `tfdt`, version 1: decode time, 64 bits |
| 68 | `trun`, version 1: one sample: duration, size, flags, signed composition offset |
| 104 | `mdat` |
"""

from __future__ import annotations

from struct import Struct
from typing import Final

HEAD_BYTES: Final = 112
_HEAD: Final = Struct(">20sI20sI12sQ20sIIIiI4s")
_TO_SEQUENCE: Final = bytes.fromhex("00000068") + b"moof" + bytes.fromhex("00000010") + b"mfhd"
_TO_TRACK: Final = bytes.fromhex("00000050") + b"traf" + bytes.fromhex("00000010") + b"tfhd"
_TO_TIME: Final = bytes.fromhex("00000014") + b"tfdt" + bytes.fromhex("01000000")
_TO_SAMPLE: Final = (
    bytes.fromhex("00000024") + b"trun" + bytes.fromhex("01000f01 00000001 00000070")
)
_BASE_IS_MOOF: Final = bytes.fromhex("00020000")
_SYNC: Final = 0x02000000
"""It depends on no other sample."""
_NON_SYNC: Final = 0x01010000


def fragment(
    track: int,
    sequence: int,
    decoded: int,
    duration: int,
    content: bytes,
    *,
    composition: int = 0,
    is_sync: bool = True,
) -> bytes:
    """Write a fragment of one sample.

    Args:
        track: its id.
        sequence: number of the fragment, modulo 2^32.
        decoded: decode time; it and the other times count in the track's timescale.
        duration: how long it lasts, as far as is known.
        content: the sample.
        composition: how much later than decoded it is shown.
        is_sync: decoding may start here.
    """
    size = len(content)
    head = _HEAD.pack(
        _TO_SEQUENCE + bytes(4),
        sequence & 0xFFFFFFFF,
        _TO_TRACK + _BASE_IS_MOOF,
        track,
        _TO_TIME,
        decoded,
        _TO_SAMPLE,
        duration,
        size,
        _SYNC if is_sync else _NON_SYNC,
        composition,
        8 + size,
        b"mdat",
    )
    return head + content
