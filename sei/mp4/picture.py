"""How large the pictures of a stream are: read out of its sequence parameter set.

Sources: ITU-T H.264 7.3.2.1.1, H.265 7.3.2.2 and 7.3.3.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sei.mp4.bits import Bits, OutOfBits
from sei.wire.framing import Codec, parameter_sets
from sei.wire.nal import HEADER_BYTES, unescape

_SPS: Final[dict[Codec, int]] = {"h264": 7, "hevc": 33}
_MAX_SPS_BYTES: Final = 4096
_MAX_SIDE: Final = 0xFFFF
_WITH_CHROMA: Final = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
"""Profiles of H.264 that say their chroma format."""
_CHROMA_STEP: Final = {1: (2, 2), 2: (2, 1)}
"""In how many samples cropping counts, across and down."""


class Size(NamedTuple):
    """Of a picture as it is shown, in samples."""

    width: int
    height: int


def picture_size(codec: Codec, record: bytes) -> Size | None:
    """Read the size out of a decoder configuration record; None where it cannot be read."""
    for unit in parameter_sets(codec, record):
        if _kind(unit, codec) == _SPS[codec]:
            fields = Bits(unescape(unit[HEADER_BYTES[codec] : _MAX_SPS_BYTES]))
            try:
                size = _h264(fields) if codec == "h264" else _hevc(fields)
            except OutOfBits:
                return None
            return size if 0 < size.width <= _MAX_SIDE and 0 < size.height <= _MAX_SIDE else None
    return None


def _kind(unit: bytes, codec: Codec) -> int:
    if not unit:
        return -1
    return unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F


def _h264(fields: Bits) -> Size:
    profile = fields.read(8)
    fields.read(16)  # constraints, level
    fields.golomb()  # id
    chroma = _h264_chroma(fields) if profile in _WITH_CHROMA else 1
    fields.golomb()  # log2_max_frame_num_minus4
    _skip_order(fields)
    fields.golomb()  # max_num_ref_frames
    fields.read(1)
    width = 16 * (fields.golomb() + 1)
    units = fields.golomb() + 1
    is_frame = fields.read(1)
    if not is_frame:
        fields.read(1)
    fields.read(1)  # direct_8x8_inference_flag
    across, down = _CHROMA_STEP.get(chroma, (1, 1))
    return _cropped(fields, width, 16 * units * (2 - is_frame), across, down * (2 - is_frame))


def _h264_chroma(fields: Bits) -> int:
    chroma = fields.golomb()
    is_separate = chroma == 3 and fields.read(1)
    fields.golomb()
    fields.golomb()
    fields.read(1)
    if fields.read(1):
        for index in range(12 if chroma == 3 else 8):
            if fields.read(1):
                _skip_scaling(fields, 16 if index < 6 else 64)
    return 0 if is_separate else chroma


def _skip_scaling(fields: Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            code = fields.golomb()
            following = (last + ((code + 1) // 2 if code & 1 else -(code // 2))) % 256
        last = following or last


def _skip_order(fields: Bits) -> None:
    """Pass over what says in which order pictures are shown."""
    kind = fields.golomb()
    if kind == 0:
        fields.golomb()
    elif kind == 1:
        fields.read(1)
        fields.golomb()
        fields.golomb()
        for _ in range(fields.golomb()):  # ends with the bits
            fields.golomb()


def _hevc(fields: Bits) -> Size:
    fields.read(4)
    layers = fields.read(3)  # sps_max_sub_layers_minus1
    fields.read(1)
    _skip_profile(fields, layers)
    fields.golomb()  # id
    chroma = fields.golomb()
    if chroma == 3 and fields.read(1):
        chroma = 0
    width, height = fields.golomb(), fields.golomb()
    return _cropped(fields, width, height, *_CHROMA_STEP.get(chroma, (1, 1)))


def _skip_profile(fields: Bits, layers: int) -> None:
    fields.read(96)
    present = [(fields.read(1), fields.read(1)) for _ in range(layers)]
    if layers:
        fields.read(2 * (8 - layers))
    for has_profile, has_level in present:
        fields.read(88 * has_profile + 8 * has_level)


def _cropped(fields: Bits, width: int, height: int, across: int, down: int) -> Size:
    if not fields.read(1):
        return Size(width, height)
    left, right, top, bottom = (fields.golomb() for _ in range(4))
    return Size(width - across * (left + right), height - down * (top + bottom))
