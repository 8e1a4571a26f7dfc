"""Audio tags of FLV: which codec, its frames, and how MP4 describes it.

| first byte | form |
| --- | --- |
| `1010 xxxx` | AAC; then 0: AudioSpecificConfig, 1: a frame |
| `0010 xxxx` | MP3; then a frame |
| `1001 pppp` | enhanced; packet type, 0: configuration, 1: a frame; then a FourCC |

Sources: Adobe FLV 10.1 E.4.2; Enhanced RTMP v2; ISO/IEC 14496-3 1.6.2.1 and 4.4.1 (AAC), 11172-3
2.4.1.3 (MP3); 14496-1 7.2.6 and 14496-14 5.6 (the descriptors in ``esds``). Opus, FLAC and AC-3 of
Enhanced RTMP are left out.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, Literal, NamedTuple

from sei.mp4.bits import Bits, OutOfBits
from sei.mp4.boxes import box, full_box

_AAC: Final = 10
_MP3: Final = 2
_ENHANCED: Final = 9
_FOURCC: Final[dict[bytes, SoundCodec]] = {b"mp4a": "aac", b".mp3": "mp3"}
_RATES: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_MP3_RATES: Final = (44100, 48000, 32000)
_SBR: Final = frozenset({5, 29})
_AAC_OBJECT: Final = 0x40
_MPEG1_OBJECT: Final = 0x6B
_MPEG2_OBJECT: Final = 0x69
_ENTRY: Final = Struct(">6xH8xHHHHI")
_MAX_CONFIGURATION_BYTES: Final = 256

SoundCodec = Literal["aac", "mp3"]


class SoundBody(NamedTuple):
    """The body of an audio tag that holds AAC or MP3."""

    codec: SoundCodec
    is_configuration: bool
    content: bytes


class SoundTrack(NamedTuple):
    """What MP4 says of the sound."""

    rate_hz: int
    """Also the timescale of its times."""
    frame_samples: int
    entry: bytes
    """The sample entry."""


def read_sound(body: bytes) -> SoundBody | None:
    """Look into the body of an audio tag; None where it is too short or of another codec."""
    if len(body) < 2:
        return None
    kind = body[0] >> 4
    if kind == _AAC and body[1] <= 1:
        return SoundBody("aac", body[1] == 0, body[2:])
    if kind == _MP3:
        return SoundBody("mp3", False, body[1:])
    codec = _FOURCC.get(body[1:5]) if kind == _ENHANCED else None
    if codec is None or body[0] & 0x0F > 1:
        return None
    return SoundBody(codec, body[0] & 0x0F == 0, body[5:])


def describe_aac(configuration: bytes) -> SoundTrack | None:
    """Describe AAC by its AudioSpecificConfig; None where that cannot be read."""
    if len(configuration) > _MAX_CONFIGURATION_BYTES:
        return None
    fields = Bits(configuration)
    try:
        kind = _object_type(fields)
        rate_hz, channels = _rate(fields), fields.read(4)
        if kind in _SBR:
            _rate(fields)
            _object_type(fields)
        is_short = fields.read(1)
    except OutOfBits:
        return None
    entry = _entry(_AAC_OBJECT, 8 if channels == 7 else channels or 2, rate_hz, configuration)
    return SoundTrack(rate_hz, 960 if is_short else 1024, entry) if rate_hz else None


def describe_mp3(frame: bytes) -> SoundTrack | None:
    """Describe MP3 by the header of a frame; None where it is none."""
    if len(frame) < 4 or frame[0] != 0xFF or frame[1] & 0xE6 != 0xE2:  # sync, layer 3
        return None
    version, index = frame[1] >> 3 & 3, frame[2] >> 2 & 3
    if version == 1 or index == 3:
        return None
    rate_hz = _MP3_RATES[index] >> {3: 0, 2: 1, 0: 2}[version]
    kind = _MPEG1_OBJECT if version == 3 else _MPEG2_OBJECT
    entry = _entry(kind, 1 if frame[3] >> 6 == 3 else 2, rate_hz, b"")
    return SoundTrack(rate_hz, 1152 if version == 3 else 576, entry)


def _object_type(fields: Bits) -> int:
    kind = fields.read(5)
    return 32 + fields.read(6) if kind == 31 else kind


def _rate(fields: Bits) -> int:
    index = fields.read(4)
    if index == 15:
        return fields.read(24)
    if index >= len(_RATES):
        raise OutOfBits
    return _RATES[index]


def _entry(kind: int, channels: int, rate_hz: int, configuration: bytes) -> bytes:
    shown = rate_hz if rate_hz <= 0xFFFF else 0  # 16.16 holds no more; the configuration says it
    head = _ENTRY.pack(1, channels, 16, 0, 0, shown << 16)
    return box(b"mp4a", head, full_box(b"esds", 0, 0, _descriptors(kind, configuration)))


def _descriptors(kind: int, configuration: bytes) -> bytes:
    specific = _descriptor(5, configuration) if configuration else b""
    decoder = _descriptor(4, bytes((kind, 0x15)) + bytes(11) + specific)
    return _descriptor(3, bytes(3) + decoder + _descriptor(6, b"\x02"))


def _descriptor(tag: int, content: bytes) -> bytes:
    """Write a descriptor; its size goes in groups of 7 bits (ISO/IEC 14496-1 8.3.3)."""
    size = len(content)
    return bytes((tag, 0x80 | size >> 14 & 0x7F, 0x80 | size >> 7 & 0x7F, size & 0x7F)) + content
