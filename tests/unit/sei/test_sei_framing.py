from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_strategies import any_bytes, codecs

from sei.wire.framing import Codec, Framing, framing_of, parameter_sets

SPS, PPS, VPS, SEI = b"\x67sps", b"\x68pps!", b"\x40\x01vps", b"\x4e\x01sei"


def sized(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def avcc(length_bytes: int = 4) -> bytes:
    head = b"\x01\x42\xe0\x1e" + bytes((0xFC | length_bytes - 1,))
    return head + b"\xe1" + sized(SPS) + b"\x02" + sized(PPS, PPS)


def hvcc(length_bytes: int = 4) -> bytes:
    head = b"\x01" + bytes(20) + bytes((0xFC | length_bytes - 1,))
    arrays = b"".join(
        bytes((0x80 | kind,)) + b"\x00\x01" + sized(unit)
        for kind, unit in ((32, VPS), (33, SPS), (39, SEI), (34, PPS))
    )
    return head + b"\x04" + arrays


@pytest.mark.parametrize("length_bytes", [1, 2, 3, 4])
def test_a_configuration_record_says_how_long_lengths_are(length_bytes: int) -> None:
    assert framing_of("h264", avcc(length_bytes)) == Framing("h264", length_bytes)
    assert framing_of("hevc", hvcc(length_bytes)) == Framing("hevc", length_bytes)


@pytest.mark.parametrize(
    ("codec", "extradata"),
    [
        ("h264", b""),
        ("h264", b"\x00\x00\x00\x01\x67sps"),
        ("h264", b"\x01\x42"),
        ("hevc", b""),
        ("hevc", b"\x00\x00\x00\x01" + bytes(30)),
        ("hevc", b"\x00\x00\x01" + bytes(30)),
    ],
)
def test_anything_else_means_start_codes(codec: Codec, extradata: bytes) -> None:
    assert framing_of(codec, extradata) == Framing(codec, None)
    assert parameter_sets(codec, extradata) == ()


def test_parameter_sets_are_listed_in_their_order() -> None:
    assert parameter_sets("h264", avcc()) == (SPS, PPS, PPS)
    assert parameter_sets("hevc", hvcc()) == (VPS, SPS, SEI, PPS)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_record_cut_short_gives_the_sets_that_are_whole(codec: Codec) -> None:
    record = avcc() if codec == "h264" else hvcc()
    whole = parameter_sets(codec, record)
    for end in range(len(record)):
        cut = parameter_sets(codec, record[:end])
        assert cut == whole[: len(cut)]
        assert len(cut) < len(whole)


@given(codecs, any_bytes)
def test_any_extradata_is_read_without_error(codec: Codec, extradata: bytes) -> None:
    framing = framing_of(codec, b"\x01" + extradata)
    assert framing.length_bytes in {None, 1, 2, 3, 4}
    parameter_sets(codec, b"\x01" + extradata)


@given(st.sampled_from([1, 2, 3, 4]), st.binary(min_size=1, max_size=200))
def test_a_framed_unit_stands_behind_its_length(length_bytes: int, unit: bytes) -> None:
    framed = Framing("h264", length_bytes).frame(unit)
    assert int.from_bytes(framed[:length_bytes], "big") == len(unit)
    assert framed[length_bytes:] == unit
