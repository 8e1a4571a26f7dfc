"""Small parts of engine two that know bytes alone."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, file_header, write_tag
from sei.packets.adts import configuration, is_adts, without_header
from sei.packets.continuity import PACKET_BYTES, ContinuityCounters
from sei.packets.cutting import OutputTimes, cut, is_picture
from sei.packets.flv_kinds import FlvKinds
from sei.packets.layout import Item, Layout

LAYOUT = Layout((), ())


def adts(payload: bytes, *, crc: bool = False) -> bytes:
    """AAC LC, 44.1 kHz, stereo."""
    size = 7 + 2 * crc + len(payload)
    head = bytes([0xFF, 0xF0 if crc else 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 0xFF])
    return head + bytes([size << 5 & 0xFF | 0x1F, 0xFC]) + bytes(2 * crc) + payload


@pytest.mark.parametrize("crc", [True, False])
def test_a_frame_of_aac_comes_out_of_its_header_with_its_configuration(crc: bool) -> None:
    frame = adts(b"sound", crc=crc)
    assert is_adts(frame)
    assert configuration(frame) == b"\x12\x10"
    assert without_header(frame) == b"sound"


@pytest.mark.parametrize("frame", [b"", b"\xff\xf1", b"!" * 20, b"\xff\xe3" + bytes(20)])
def test_what_is_no_adts_is_not_taken_for_it(frame: bytes) -> None:
    assert not is_adts(frame)


def ts_packet(pid: int, counter: int, *, payload: bool = True) -> bytes:
    head = bytes([0x47, pid >> 8, pid & 0xFF, (0x10 if payload else 0x20) | counter])
    return head + bytes(PACKET_BYTES - 4)


def counters(stream: bytes) -> list[int]:
    return [stream[at + 3] & 0xF for at in range(0, len(stream), PACKET_BYTES)]


def test_counters_go_on_from_run_to_run_each_pid_by_itself() -> None:
    run = b"".join([ts_packet(256, 0), ts_packet(257, 0), ts_packet(256, 1)])
    joined = ContinuityCounters()
    assert counters(joined.join(run)) == [0, 0, 1]
    assert counters(joined.join(run)) == [2, 1, 3]


def test_a_packet_without_payload_repeats_the_counter() -> None:
    run = b"".join([ts_packet(256, 0), ts_packet(256, 0, payload=False), ts_packet(256, 1)])
    joined = ContinuityCounters()
    joined.join(ts_packet(256, 0))
    assert counters(joined.join(run)) == [1, 1, 2]


def test_counters_wrap_at_16() -> None:
    run = b"".join(ts_packet(256, number & 0xF) for number in range(20))
    assert counters(ContinuityCounters().join(run)) == [number & 0xF for number in range(20)]


@given(st.binary(max_size=1000))
def test_no_bytes_break_the_counters(stream: bytes) -> None:
    assert len(ContinuityCounters().join(stream)) == len(stream)


def item(track: int, dts_us: int) -> Item:
    return Item(track, dts_us, dts_us, 0, False, False, b"", b"", (), 0.0)


def tag(kind: int, time_ms: int, body: bytes) -> bytes:
    return write_tag(Tag(kind, time_ms, body))


H264_KEY = bytes([0x17, 1, 0, 0, 0]) + b"key"
H264_CONFIGURATION = bytes([0x17, 0, 0, 0, 0]) + b"avcC"
H264_END = bytes([0x17, 2, 0, 0, 0])
HEVC_KEY = bytes([0x91]) + b"hvc1" + bytes(3) + b"key"
AAC = b"\xaf\x01sound"


def cut_all(stream: bytes) -> list[StreamTag]:
    return list(
        cut(stream, lambda time_ms, *, is_configuration: 7 if is_configuration else time_ms)
    )


def test_tags_are_told_apart() -> None:
    stream = b"".join(
        [
            tag(SCRIPT, 0, b"meta"),
            tag(VIDEO, 0, H264_CONFIGURATION),
            tag(VIDEO, 10, H264_KEY),
            tag(AUDIO, 11, AAC),
            tag(VIDEO, 12, HEVC_KEY),
            tag(VIDEO, 13, H264_END),
        ]
    )
    assert [one[:4] for one in cut_all(stream)] == [
        (SCRIPT, 7, True, False),
        (VIDEO, 7, True, False),
        (VIDEO, 10, False, True),
        (AUDIO, 11, False, False),
        (VIDEO, 12, False, True),
    ]


def test_a_changed_time_is_written_into_the_tag() -> None:
    (one,) = cut(tag(AUDIO, 5, AAC), lambda _ms, *, is_configuration: 0x89ABCDEF)
    assert one.encoded == tag(AUDIO, 0x89ABCDEF, AAC)


def test_a_picture_is_told_from_what_configures_and_ends() -> None:
    kinds = [H264_CONFIGURATION, H264_KEY, HEVC_KEY, bytes([0x94]) + b"hvc1metadata"]
    stream = b"".join(tag(VIDEO, 0, body) for body in kinds)
    assert [is_picture(one) for one in cut_all(stream)] == [False, True, True, False]


def test_times_of_tags_never_fall_and_run_on_where_the_muxers_wrap() -> None:
    half = 1 << 31
    times = OutputTimes()
    written = [0, 40, 30, half // 3, half // 3 * 2, half - 10, 5, half - 5, 20]
    placed = [times.place(time_ms, is_configuration=False) for time_ms in written]
    assert placed[:6] == [0, 40, 40, half // 3, half // 3 * 2, half - 10]
    assert placed[6:] == [half + 5, half + 5, half + 20]
    assert times.place(0, is_configuration=True) == half + 20


@given(st.lists(st.integers(1, 40), min_size=1))
def test_what_begins_in_flv_is_seen_whatever_the_chunks(sizes: list[int]) -> None:
    content = b"".join(
        [
            file_header(has_audio=True, has_video=True),
            tag(SCRIPT, 0, b"m" * 50),
            tag(VIDEO, 0, H264_KEY + bytes(100)),
            tag(VIDEO, 0, HEVC_KEY + bytes(100)),
            tag(AUDIO, 0, b""),
            tag(AUDIO, 0, AAC),
        ]
    )
    kinds = FlvKinds(content[:40], BytesIO(content[40:]))
    got, number = b"", 0
    while chunk := kinds.read(sizes[number % len(sizes)]):
        got, number = got + chunk, number + 1
    assert got == content
    assert kinds.has_sound
    assert kinds.video_codecs == {b"\x07", b"hvc"}
