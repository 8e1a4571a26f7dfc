from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_flv_tags import HEADER, configuration, cut, head, picture, sound, stream

from sei.flv.clock import TagClock
from sei.flv.live import LiveRewriter
from sei.flv.rewriter import FlvRewriter
from sei.flv.stream_tag import StreamTag
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, write_tag
from sei.wire.framing import Framing

STATE = (b"SS1 state",)
H264, HEVC = Framing("h264", 4), Framing("hevc", 4)


def live(
    content: bytes, step: int = 10_000, messages: tuple[bytes, ...] = STATE
) -> list[StreamTag]:
    rewriter = LiveRewriter(lambda _ms: messages, TagClock())
    return [tag for chunk in cut(content, step) for tag in rewriter.feed(chunk)]


@given(st.integers(1, 200))
def test_it_gives_the_tags_that_the_file_has(step: int) -> None:
    tags = [Tag(SCRIPT, 0, b"meta"), configuration(H264), sound(0)]
    tags += [picture(n * 40, keyframe=n % 5 == 0) for n in range(12)]
    content = stream(*tags)
    expected = FlvRewriter(lambda _ms: STATE).rewrite(content)
    assert HEADER + b"".join(tag.encoded for tag in live(content, step)) == expected


@pytest.mark.parametrize(
    ("tag", "is_configuration", "is_keyframe"),
    [
        (Tag(SCRIPT, 0, b""), True, False),
        (Tag(AUDIO, 0, b"\xaf\x00\x12\x10"), True, False),
        (Tag(AUDIO, 0, b"\xaf\x01sound"), False, False),
        (Tag(AUDIO, 0, b"\x2f\x00mp3"), False, False),
        (Tag(AUDIO, 0, b"\x90Opus"), True, False),
        (Tag(AUDIO, 0, b"\x91Opusx"), False, False),
        (Tag(AUDIO, 0, b""), False, False),
        (configuration(H264), True, False),
        (configuration(HEVC, enhanced=True), True, False),
        (picture(0, keyframe=True), False, True),
        (picture(0), False, False),
        (picture(0, framing=HEVC, keyframe=True, enhanced=True), False, True),
        (picture(0, framing=HEVC, keyframe=True, enhanced=True, part=3), False, True),
        (picture(0, framing=HEVC, enhanced=True), False, False),
        (Tag(VIDEO, 0, head("h264", 2)), False, False),
        (Tag(VIDEO, 0, b"\x90av01x"), True, False),
        (Tag(VIDEO, 0, b"\x91av01x"), False, True),
        (Tag(VIDEO, 0, b"\x12h263"), False, True),
        (Tag(VIDEO, 0, b"\x22h263"), False, False),
        (Tag(VIDEO, 0, b""), False, False),
        (Tag(VIDEO, 0, b"\x17"), False, False),
    ],
)
def test_it_says_what_a_tag_is(tag: Tag, is_configuration: bool, is_keyframe: bool) -> None:
    (made,) = live(stream(tag), messages=())
    assert made == (tag.kind, 0, is_configuration, is_keyframe, write_tag(tag))


def test_times_that_are_moved_stand_in_the_tag_too() -> None:
    far = 0x1234_5678
    made = live(stream(picture(far), picture(0)), messages=())
    assert made[1].timestamp_ms == far + 20
    assert made[1].encoded == write_tag(picture(far + 20))


def test_a_changed_tag_that_is_moved_has_both() -> None:
    made = live(stream(picture(1_000_000), picture(0)))
    assert made[1].encoded[4:8] == b"\x0f\x42\x54\x00"
    assert STATE[0] in made[1].encoded
