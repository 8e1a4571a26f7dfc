from __future__ import annotations

from struct import unpack_from

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.mp4.bits import Bits, OutOfBits
from sei.mp4.boxes import box, full_box
from sei.mp4.fragment import HEAD_BYTES, fragment
from sei.mp4.init import Track, init_segment
from sei.mp4.picture import Size, picture_size
from sei.mp4.sound import describe_aac, describe_mp3, read_sound

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"dinf"}


def tree(content: bytes) -> list[tuple[bytes, object]]:
    """Take boxes apart; every byte belongs to one."""
    found: list[tuple[bytes, object]] = []
    while content:
        size, kind = unpack_from(">I4s", content)
        assert 8 <= size <= len(content)
        inside = content[8:size]
        found.append((kind, tree(inside) if kind in CONTAINERS else inside))
        content = content[size:]
    return found


def test_a_box_says_its_size_and_kind() -> None:
    assert box(b"free", b"ab", b"c") == b"\x00\x00\x00\x0bfreeabc"
    assert full_box(b"tfdt", 1, 2) == b"\x00\x00\x00\x0ctfdt\x01\x00\x00\x02"


@given(
    st.integers(1, 2),
    st.integers(0, 2**40),
    st.integers(0, 2**62),
    st.integers(1, 2**31),
    st.integers(-(2**31), 2**31 - 1),
    st.binary(max_size=50),
    st.booleans(),
)
def test_a_fragment_says_what_it_was_told(
    track: int,
    sequence: int,
    decoded: int,
    duration: int,
    composition: int,
    content: bytes,
    is_sync: bool,
) -> None:
    written = fragment(
        track,
        sequence,
        decoded,
        duration,
        content,
        composition=composition,
        is_sync=is_sync,
    )
    (moof, inside), (mdat, samples) = tree(written)
    assert (moof, mdat, samples) == (b"moof", b"mdat", content)
    assert isinstance(inside, list)
    (_, header), (_, parts) = inside
    (_, tfhd), (_, tfdt), (_, trun) = parts
    assert unpack_from(">I", header, 4)[0] == sequence % 2**32
    assert unpack_from(">II", tfhd) == (0x020000, track)
    assert unpack_from(">BxxxQ", tfdt) == (1, decoded)
    version_flags, count, offset, *sample = unpack_from(">IIiIIIi", trun)
    assert (version_flags, count, offset) == (0x01000F01, 1, HEAD_BYTES)
    flags = 0x02000000 if is_sync else 0x01010000
    assert sample == [duration, len(content), flags, composition]
    assert written[offset:] == content


def test_an_init_segment_is_whole_boxes_with_each_track_in_both_places() -> None:
    tracks = (Track(1, 1000, box(b"avc1"), Size(160, 96)), Track(2, 44_100, box(b"mp4a"), None))
    (ftyp, _), (moov, inside) = tree(init_segment(tracks))
    assert (ftyp, moov) == (b"ftyp", b"moov")
    assert isinstance(inside, list)
    assert [kind for kind, _ in inside] == [b"mvhd", b"trak", b"trak", b"mvex"]
    trexes = [content for _, content in inside[3][1]]
    assert [unpack_from(">4xII", trex) for trex in trexes] == [(1, 1), (2, 1)]
    headers = [trak[1][0] for trak in inside[1:3]]
    assert [len(header[1]) for header in headers] == [84, 84]
    assert unpack_from(">II", headers[0][1], 76) == (160 << 16, 96 << 16)


def test_exp_golomb_numbers_are_those_of_the_standard() -> None:
    fields = Bits(bytes([0b1_010_011_0, 0b0100_0010, 0b1_0000000]))
    assert [fields.golomb() for _ in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("content", [b"", b"\x00", bytes(40)])
def test_a_number_that_does_not_end_is_refused(content: bytes) -> None:
    with pytest.raises(OutOfBits):
        Bits(content).golomb()


@given(st.sampled_from(["h264", "hevc"]), st.binary(max_size=80))
def test_a_record_of_any_bytes_gives_a_size_or_nothing(codec: str, noise: bytes) -> None:
    head = b"\x01d\x00\x1f\xff\xe1\x00\x50\x67" if codec == "h264" else b"\x01" + bytes(20)
    tail = noise if codec == "h264" else b"\x03\x01\x21\x00\x01\x00\x50\x42\x01" + noise
    for record in (noise, head + tail):
        size = picture_size("h264" if codec == "h264" else "hevc", record)
        assert size is None or (0 < size.width <= 0xFFFF and 0 < size.height <= 0xFFFF)


@pytest.mark.parametrize(
    ("configuration", "rate_hz", "samples", "channels"),
    [
        ("1210", 44_100, 1024, 2),
        ("1190", 48_000, 1024, 2),
        ("1194", 48_000, 960, 2),
        ("2b920800", 22_050, 1024, 2),  # SBR, said outright
        ("1008", 96_000, 1024, 1),
        ("1780320010", 25_600, 1024, 2),  # a rate of its own
    ],
)
def test_aac_is_described_by_its_configuration(
    configuration: str, rate_hz: int, samples: int, channels: int
) -> None:
    content = bytes.fromhex(configuration)
    track = describe_aac(content)
    assert track is not None
    assert (track.rate_hz, track.frame_samples) == (rate_hz, samples)
    assert unpack_from(">H", track.entry, 24)[0] == channels
    assert content in track.entry


def test_aac_without_a_whole_configuration_is_not_described() -> None:
    assert describe_aac(b"") is None
    assert describe_aac(b"\x12") is None
    assert describe_aac(bytes.fromhex("16b8")) is None  # a reserved rate
    assert describe_aac(bytes.fromhex("1210") + bytes(300)) is None


@pytest.mark.parametrize(
    ("header", "rate_hz", "samples", "channels"),
    [
        ("fffb9000", 44_100, 1152, 2),
        ("fffb94c0", 48_000, 1152, 1),
        ("fff39000", 22_050, 576, 2),
        ("ffe39000", 11_025, 576, 2),
    ],
)
def test_mp3_is_described_by_a_frame(
    header: str, rate_hz: int, samples: int, channels: int
) -> None:
    track = describe_mp3(bytes.fromhex(header) + bytes(10))
    assert track is not None
    assert (track.rate_hz, track.frame_samples) == (rate_hz, samples)
    assert unpack_from(">H", track.entry, 24)[0] == channels


@pytest.mark.parametrize("header", ["", "fffb", "fffd9000", "ffeb9000", "fffb9c00", "00000000"])
def test_what_is_no_mp3_frame_is_not_described(header: str) -> None:
    assert describe_mp3(bytes.fromhex(header)) is None


def test_audio_tags_are_told_apart() -> None:
    forms = {
        b"\xaf\x00\x12\x10": ("aac", True, b"\x12\x10"),
        b"\xaf\x01frame": ("aac", False, b"frame"),
        b"\x2f\xff\xfb": ("mp3", False, b"\xff\xfb"),
        b"\x90mp4a\x12\x10": ("aac", True, b"\x12\x10"),
        b"\x91mp4aframe": ("aac", False, b"frame"),
    }
    assert {body: read_sound(body) for body in forms} == forms
    for other in (b"", b"\xaf", b"\xaf\x02x", b"\x3f\x01x", b"\x91Opusx", b"\x94mp4ax"):
        assert read_sound(other) is None
