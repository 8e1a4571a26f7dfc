from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.errors import BadFlv
from sei.flv.tags import (
    AUDIO,
    SCRIPT,
    VIDEO,
    Tag,
    TagParser,
    VideoBody,
    file_header,
    is_configuration,
    read_video,
    write_tag,
)

HEADER = file_header(has_audio=True, has_video=True)
tags = st.builds(
    Tag,
    st.sampled_from([AUDIO, VIDEO, SCRIPT]),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=80),
)


def parse_whole(stream: bytes) -> list[Tag]:
    return TagParser().feed(stream)


@given(st.lists(tags, max_size=6), st.data())
def test_tags_come_back_however_the_stream_is_cut(written: list[Tag], data: st.DataObject) -> None:
    stream = HEADER + b"".join(map(write_tag, written))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    parser = TagParser()
    read = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        read += parser.feed(stream[start:end])
    assert read == written


@given(st.binary(max_size=60))
def test_any_bytes_are_tags_or_the_one_error(noise: bytes) -> None:
    for stream in (noise, HEADER + noise, b"FLV\x01" + noise):
        try:
            parse_whole(stream)
        except BadFlv:
            continue


@pytest.mark.parametrize(
    ("has_audio", "has_video", "flags"), [(True, True, 5), (False, True, 1), (True, False, 4)]
)
def test_the_file_header_says_what_is_in_it(has_audio: bool, has_video: bool, flags: int) -> None:
    header = file_header(has_audio=has_audio, has_video=has_video)
    assert header == b"FLV\x01" + bytes((flags, 0, 0, 0, 9, 0, 0, 0, 0))


def test_a_tag_is_laid_out_as_the_specification_says() -> None:
    written = write_tag(Tag(VIDEO, 0x12345678, b"body"))
    assert written == b"\x09\x00\x00\x04\x34\x56\x78\x12\x00\x00\x00body\x00\x00\x00\x0f"


def test_a_longer_file_header_is_skipped() -> None:
    header = b"FLV\x01\x05\x00\x00\x00\x0cabc\x00\x00\x00\x00"
    assert parse_whole(header + write_tag(Tag(AUDIO, 1, b"x"))) == [Tag(AUDIO, 1, b"x")]


@pytest.mark.parametrize(
    "stream",
    [
        b"<html>",
        b"FLV\x02",
        b"G" * 188,
        b"FLV\x01\x05\x00\x00\x00\x08\x00\x00\x00\x00",
        b"FLV\x01\x05\xff\xff\xff\xff",
        HEADER + b"\x29",
        HEADER + b"\x00",
        HEADER + b"\x09\x00\x00\x04\x00\x00\x00\x00\x00\x00\x01",
        HEADER + b"\x09\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00",
    ],
)
def test_what_is_no_flv_is_told_as_soon_as_it_shows(stream: bytes) -> None:
    with pytest.raises(BadFlv):
        parse_whole(stream)


def test_a_stream_that_loses_its_step_is_given_up() -> None:
    parser = TagParser()
    assert parser.feed(HEADER + write_tag(Tag(VIDEO, 0, b"abc"))) != []
    with pytest.raises(BadFlv):
        parser.feed(b"abcdefghijklmn")


def test_a_tag_is_bounded() -> None:
    at_bound = Tag(VIDEO, 0, bytes(10))
    assert TagParser(max_tag_bytes=10).feed(HEADER + write_tag(at_bound)) == [at_bound]
    with pytest.raises(BadFlv):
        TagParser(max_tag_bytes=9).feed(HEADER + write_tag(at_bound)[:11])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x17\x00\x00\x00\x00rec", VideoBody("h264", "configuration", True, 0, b"rec")),
        (b"\x17\x01\x00\x00\x28nal", VideoBody("h264", "access_unit", True, 40, b"nal")),
        (b"\x27\x01\xff\xff\xd8nal", VideoBody("h264", "access_unit", False, -40, b"nal")),
        (b"\x17\x02\x00\x00\x00", VideoBody("h264", "other", True, 0, b"")),
        (b"\x27\x03\x00\x00\x00nal", VideoBody("h264", "other", False, 0, b"nal")),
        (b"\x1c\x01\x00\x00\x00nal", VideoBody("hevc", "access_unit", True, 0, b"nal")),
        (b"\x90hvc1rec", VideoBody("hevc", "configuration", True, 0, b"rec")),
        (b"\x91hvc1\x00\x00\x28nal", VideoBody("hevc", "access_unit", True, 40, b"nal")),
        (b"\xa3hvc1nal", VideoBody("hevc", "access_unit", False, 0, b"nal")),
        (b"\xa1avc1\xff\xff\xffnal", VideoBody("h264", "access_unit", False, -1, b"nal")),
        (b"\x92hvc1", VideoBody("hevc", "other", True, 0, b"")),
    ],
)
def test_video_bodies_are_told_apart(body: bytes, expected: VideoBody) -> None:
    assert read_video(Tag(VIDEO, 0, body)) == expected


@pytest.mark.parametrize(
    "tag",
    [
        Tag(AUDIO, 0, b"\x17\x01\x00\x00\x00nal"),
        Tag(VIDEO, 0, b"\x17\x01\x00"),
        Tag(VIDEO, 0, b"\x12\x01\x00\x00\x00nal"),
        Tag(VIDEO, 0, b"\x91av01\x00\x00\x00"),
    ],
)
def test_other_tags_are_not_looked_into(tag: Tag) -> None:
    assert read_video(tag) is None


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (Tag(AUDIO, 0, b"\xaf\x00\x12\x10"), True),
        (Tag(AUDIO, 0, b"\xaf\x01\x12\x10"), False),
        (Tag(AUDIO, 0, b"\x2f\x00"), False),
        (Tag(AUDIO, 0, b"\xaf"), False),
        (Tag(VIDEO, 0, b"\x17\x00\x00\x00\x00rec"), True),
        (Tag(VIDEO, 0, b"\x17\x01\x00\x00\x00nal"), False),
        (Tag(SCRIPT, 0, b""), False),
    ],
)
def test_configurations_are_recognised(tag: Tag, expected: bool) -> None:
    assert is_configuration(tag) is expected


@given(tags)
def test_any_body_is_looked_into_without_error(tag: Tag) -> None:
    read_video(tag)
    is_configuration(tag)
