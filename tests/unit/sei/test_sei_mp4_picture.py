from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.mp4.picture import Size, picture_size
from sei.wire.framing import Codec

ENCODERS: dict[Codec, str] = {"h264": "libx264", "hevc": "libx265"}
KINDS = [
    ("h264", 160, 96, "yuv420p", ""),
    ("h264", 1920, 1080, "yuv420p", ""),  # cropped: 1088 are coded
    ("h264", 162, 100, "yuv420p", "interlaced=1"),
    ("h264", 50, 34, "yuv422p", ""),
    ("h264", 50, 34, "yuv444p", "bframes=0"),
    ("h264", 50, 34, "gray", ""),
    ("h264", 162, 98, "yuv420p", "cqm=jvt"),  # lists of scaling
    ("h264", 50, 34, "yuv444p", "cqm=jvt"),
    ("h264", 50, 34, "yuv420p10le", ""),
    ("hevc", 160, 96, "yuv420p", ""),
    ("hevc", 1918, 1078, "yuv420p", ""),
    ("hevc", 50, 34, "yuv422p", ""),
    ("hevc", 50, 34, "yuv444p", ""),
    ("hevc", 162, 98, "yuv420p10le", "temporal-layers=3"),
]


@cache
def record(codec: Codec, width: int, height: int, form: str, parameters: str) -> bytes:
    """Let an encoder make a decoder configuration record."""
    name = "x264-params" if codec == "h264" else "x265-params"
    quiet = "log-level=none" if codec == "hevc" else "threads=1"
    context = av.CodecContext.create(ENCODERS[codec], "w")
    context.width, context.height, context.pix_fmt = width, height, form
    context.options = {"preset": "ultrafast", name: f"{quiet}:{parameters}".strip(":")}
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER
    context.open()
    assert context.extradata is not None
    return in_form_of_mp4(codec, context.extradata)


def in_form_of_mp4(codec: Codec, stream: bytes) -> bytes:
    """Put parameter sets with start codes into a record (ISO/IEC 14496-15 5.3.3.1, 8.3.3.1)."""
    parts = stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]
    units = [len(unit).to_bytes(2, "big") + unit for unit in parts]
    if codec == "h264":
        return b"\1" + bytes(3) + b"\xff\xe1" + units[0] + b"\1" + units[1]
    arrays = b"".join(bytes((unit[2] >> 1 & 0x3F, 0, 1)) + unit for unit in units)
    return b"\1" + bytes(20) + b"\3" + bytes((len(units),)) + arrays


@pytest.mark.parametrize(("codec", "width", "height", "form", "parameters"), KINDS)
def test_the_size_is_that_which_was_encoded(
    codec: Codec, width: int, height: int, form: str, parameters: str
) -> None:
    found = picture_size(codec, record(codec, width, height, form, parameters))
    assert found == Size(width, height)


@given(st.sampled_from(KINDS), st.integers(0, 500), st.integers(0, 255), st.integers(0, 500))
def test_a_damaged_record_gives_a_size_or_nothing(
    kind: tuple[Codec, int, int, str, str], at: int, byte: int, cut: int
) -> None:
    damaged = bytearray(record(*kind))
    damaged[at % len(damaged)] = byte
    size = picture_size(kind[0], bytes(damaged[: max(cut, 8)]))
    assert size is None or (0 < size.width <= 0xFFFF and 0 < size.height <= 0xFFFF)


BY_HAND = {
    "an order of the second kind": (
        "01000010 00000000 00001010"  # profile 66, level 10
        "1 1 010"  # id 0, log2_max_frame_num 4, kind 1
        "0 1 1 011 1 010"  # delta always zero: no; offsets 0, 0; two in the cycle: 0, 1
        "010 0 0001011 0001001 1 1 0 0 1"  # one reference; 11 by 9 macroblocks; frames only
    ),
    "an order of the third kind": (
        "01000010 00000000 00001010 1 1 011 010 0 0001011 0001001 1 1 0 0 1"
    ),
    "lists of scaling": (
        "01100100 00000000 00001010 1 010 1 1 0"  # profile 100, 4:2:0, 8 bits
        "1 1 000010001 1 1111111111111111 0 0 0 0 0 0"  # one that ends at once, a whole one
        "1 1 1 010 0 0001011 0001001 1 1 0 0 1"
    ),
    "planes of their own": (
        "11110100 00000000 00001010 1 00100 1 1 1 0 0"  # profile 244, 4:4:4
        "1 1 1 010 0 0001011 0001001 1 1 0 0 1"
    ),
    "a size of nothing": (  # cropped by more than there is
        "01000010 00000000 00001010 1 1 011 010 0 0001011 0001001 1 11 00000001111111 1 1 1 0 1"
    ),
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_rare_fields_are_read_over(kind: str) -> None:
    bits = BY_HAND[kind].replace(" ", "")
    size = -(-len(bits) // 8)
    unit = b"\x67" + int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big")
    made = b"\1\x42\0\x0a\xff\xe1" + len(unit).to_bytes(2, "big") + unit + b"\0"
    assert picture_size("h264", made) == (None if "nothing" in kind else Size(176, 144))


RECORD = b"\1\x42\0\x0a\xff"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1" + bytes(6),
        RECORD + b"\xe0\0",
        RECORD + b"\xe1\0\0\0",  # a unit of no bytes
        RECORD + b"\xe1\0\3\x67\x42\0\0",  # one that is cut short
    ],
)
def test_a_record_without_a_whole_parameter_set_gives_nothing(content: bytes) -> None:
    assert picture_size("h264", content) is None
