"""How one video stream frames its NAL units: codec, start codes or length prefixes.

FLV, MP4 and Matroska carry each NAL unit behind its length, and the parameter sets in the decoder
configuration record; MPEG-TS and raw streams carry start codes and everything in band.
Sources: ISO/IEC 14496-15 5.3.3.1 (avcC), 8.3.3.1 (hvcC); ITU-T H.264 and H.265 annex B.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, get_args

Codec = Literal["h264", "hevc"]
CODECS: Final[tuple[Codec, ...]] = get_args(Codec)

START_CODE: Final = b"\x00\x00\x00\x01"


class Framing(NamedTuple):
    """The form in which a stream's packets hold their NAL units."""

    codec: Codec
    length_bytes: int | None = None
    """Size of the length prefix, 1 to 4; None: start codes."""

    def frame(self, nal: bytes) -> bytes:
        """Put a NAL unit into this form.

        Raises:
            OverflowError: the unit is longer than its prefix can say.
        """
        if self.length_bytes is None:
            return START_CODE + nal
        return len(nal).to_bytes(self.length_bytes, "big") + nal


def framing_of(codec: Codec, extradata: bytes) -> Framing:
    """Tell the form of a stream from its decoder configuration; none means start codes.

    | record | recognised by | length size |
    | --- | --- | --- |
    | avcC | first byte 1, at least 7 bytes | byte 4, low two bits, plus 1 |
    | hvcC | no start code, at least 23 bytes | byte 21, low two bits, plus 1 |
    """
    if codec == "h264" and len(extradata) >= 7 and extradata[0] == 1:
        return Framing(codec, (extradata[4] & 3) + 1)
    if codec == "hevc" and len(extradata) >= 23 and not _has_start_code(extradata):
        return Framing(codec, (extradata[21] & 3) + 1)
    return Framing(codec)


def parameter_sets(codec: Codec, extradata: bytes) -> tuple[bytes, ...]:
    """List the NAL units of a decoder configuration record, in its order.

    That of HEVC may hold SEI too, for the whole stream. A broken record gives those that are
    whole; extradata of start codes gives none.
    """
    if framing_of(codec, extradata).length_bytes is None:
        return ()
    listed = _avcc(extradata) if codec == "h264" else _hvcc(extradata)
    return tuple(listed)


def _has_start_code(extradata: bytes) -> bool:
    return extradata.startswith((b"\x00\x00\x01", START_CODE))


def _avcc(record: bytes) -> Iterator[bytes]:
    at = 5
    for mask in (0x1F, 0xFF):  # SPS, then PPS
        if at >= len(record):
            return
        count = record[at] & mask
        units = list(_sized(record, at + 1, count))
        yield from units
        if len(units) < count:
            return
        at += 1 + sum(2 + len(unit) for unit in units)


def _hvcc(record: bytes) -> Iterator[bytes]:
    at = 23
    for _ in range(record[22]):
        if at + 3 > len(record):
            return
        count = int.from_bytes(record[at + 1 : at + 3], "big")
        units = list(_sized(record, at + 3, count))
        yield from units
        if len(units) < count:
            return
        at += 3 + sum(2 + len(unit) for unit in units)


def _sized(record: bytes, at: int, count: int) -> Iterator[bytes]:
    """Give ``count`` units of a 16-bit length each, or those that are whole."""
    for _ in range(count):
        size = int.from_bytes(record[at : at + 2], "big")
        unit = record[at + 2 : at + 2 + size]
        if at + 2 > len(record) or len(unit) < size:
            return
        yield unit
        at += 2 + size
