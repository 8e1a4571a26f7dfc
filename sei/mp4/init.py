"""The initialization segment: ``ftyp`` and a ``moov`` that says of each track how it is coded.

Sources: ISO/IEC 14496-12, by clause at each box; 14496-15 5.4.2 (``avc1``) and 8.4.1 (``hvc1``).
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from sei.mp4.boxes import box, full_box
from sei.mp4.picture import Size
from sei.wire.framing import Codec

VIDEO_TRACK: Final = 1
AUDIO_TRACK: Final = 2
_ENTRY_KIND: Final[dict[Codec, tuple[bytes, bytes]]] = {
    "h264": (b"avc1", b"avcC"),
    "hevc": (b"hvc1", b"hvcC"),
}
_MATRIX: Final = Struct(">9I").pack(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_MOVIE: Final = Struct(">IIIIIH10x36s24xI")
_TRACK: Final = Struct(">IIIIIQHHHH36sII")
_MEDIA: Final = Struct(">IIIIHH")
_PICTURE_ENTRY: Final = Struct(">6xH16xHHIIIH32sHh")
_72_DPI: Final = 0x00480000
_UNDETERMINED: Final = 0x55C4
"""Language ``und``, three letters of 5 bits."""
_MOVIE_TIMESCALE: Final = 1000
_IN_FILE: Final = full_box(b"url ", 0, 1)
_BRANDS: Final = box(b"ftyp", b"iso6", bytes(4), b"iso6", b"mp41", b"msdh")
_NO_SAMPLES: Final = b"".join(
    (
        full_box(b"stts", 0, 0, bytes(4)),  # 8.6.1.2
        full_box(b"stsc", 0, 0, bytes(4)),  # 8.7.4
        full_box(b"stsz", 0, 0, bytes(8)),  # 8.7.3.2
        full_box(b"stco", 0, 0, bytes(4)),  # 8.7.5
    )
)


class Track(NamedTuple):
    """One track of an initialization segment."""

    number: int
    timescale: int
    entry: bytes
    """The sample entry."""
    size: Size | None
    """Of pictures; None for sound."""


def picture_entry(codec: Codec, record: bytes, size: Size) -> bytes:
    """Write the sample entry of pictures (12.1.3), parameter sets outside the samples."""
    kind, record_kind = _ENTRY_KIND[codec]
    head = _PICTURE_ENTRY.pack(1, *size, _72_DPI, _72_DPI, 0, 1, b"", 0x18, -1)
    return box(kind, head, box(record_kind, record))


def init_segment(tracks: tuple[Track, ...]) -> bytes:
    """Write the segment that comes before the first fragment."""
    return _BRANDS + box(
        b"moov",
        # 8.2.2
        full_box(
            b"mvhd",
            0,
            0,
            _MOVIE.pack(0, 0, _MOVIE_TIMESCALE, 0, 0x10000, 0x100, _MATRIX, AUDIO_TRACK + 1),
        ),
        *map(_trak, tracks),
        # 8.8.1, 8.8.3
        box(b"mvex", *map(_trex, tracks)),
    )


def _trak(track: Track) -> bytes:
    width, height = track.size or (0, 0)
    volume = 0 if track.size else 0x100
    header = _TRACK.pack(
        0, 0, track.number, 0, 0, 0, 0, 0, volume, 0, _MATRIX, width << 16, height << 16
    )
    kind, name = (b"vide", b"video\0") if track.size else (b"soun", b"sound\0")
    media_header = full_box(b"vmhd", 0, 1, bytes(8)) if track.size else _sound_header()
    return box(
        b"trak",
        full_box(b"tkhd", 0, 3, header),  # 8.3.2: enabled, in the movie
        box(
            b"mdia",
            # 8.4.2, 8.4.3
            full_box(b"mdhd", 0, 0, _MEDIA.pack(0, 0, track.timescale, 0, _UNDETERMINED, 0)),
            full_box(b"hdlr", 0, 0, bytes(4), kind, bytes(12), name),
            box(b"minf", media_header, _source(), _table(track)),
        ),
    )


def _sound_header() -> bytes:
    return full_box(b"smhd", 0, 0, bytes(4))  # 12.2.2


def _source() -> bytes:
    return box(b"dinf", full_box(b"dref", 0, 0, (1).to_bytes(4, "big"), _IN_FILE))  # 8.7.2


def _table(track: Track) -> bytes:
    described = full_box(b"stsd", 0, 0, (1).to_bytes(4, "big"), track.entry)  # 8.5.2
    return box(b"stbl", described, _NO_SAMPLES)


def _trex(track: Track) -> bytes:
    defaults = track.number.to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes(12)
    return full_box(b"trex", 0, 0, defaults)
