from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_flv_tags import configuration, picture, sound, stream

from sei.flv.filecopy import copy_flv
from sei.flv.positions import Growth, patches
from sei.flv.tags import SCRIPT, Tag, TagParser, write_tag
from sei.wire.framing import Framing

STATE = (b"SS1 state",)


def number(value: float) -> bytes:
    return b"\x00" + struct.pack(">d", value)


def script(size: float, positions: list[float]) -> Tag:
    listed = b"".join(map(number, positions))
    return Tag(
        SCRIPT,
        0,
        b"\x02\x00\x0aonMetaData\x08\x00\x00\x00\x03\x00\x05width"
        + number(640)
        + b"\x00\x08filesize"
        + number(size)
        + b"\x00\x09keyframes\x03\x00\x0dfilepositions\x0a"
        + len(positions).to_bytes(4, "big")
        + listed
        + b"\x00\x00\x09\x00\x00\x09",
    )


def offsets(content: bytes, *, keyframes_only: bool = True) -> list[float]:
    """List where the keyframes of a file begin."""
    at, found = 13, []
    for tag in TagParser().feed(content):
        if tag.kind == 9 and tag.body[:2] == b"\x17\x01":
            found.append(float(at))
        at += len(write_tag(tag))
    return found


def indexed(*tags: Tag) -> bytes:
    """Write a file that says where its keyframes are."""
    places = offsets(stream(script(0, [0.0] * 4), *tags))
    assert len(places) == 4
    size = len(stream(script(0, places), *tags))
    return stream(script(size, places), *tags)


TAGS = [
    configuration(Framing("h264", 4)),
    sound(0),
    *(picture(n * 100, keyframe=n % 10 == 0) for n in range(40)),
]


def test_a_player_seeks_to_the_keyframes_of_the_copy() -> None:
    source, target = io.BytesIO(indexed(*TAGS)), io.BytesIO()
    done = copy_flv(source, target, lambda _ms: STATE)
    made = target.getvalue()
    assert done.injected > 4
    told = TagParser().feed(made)[0]
    assert told == script(len(made), offsets(made))
    assert target.tell() == len(made)


def test_taking_the_messages_out_makes_the_file_as_it_was() -> None:
    first, again = io.BytesIO(), io.BytesIO()
    copy_flv(io.BytesIO(indexed(*TAGS)), first, lambda _ms: STATE)
    copy_flv(io.BytesIO(first.getvalue()), again, lambda _ms: STATE, "off")
    assert again.getvalue() == indexed(*TAGS)


def test_a_target_that_cannot_seek_keeps_what_the_input_says() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

        def write(self, content: object) -> int:
            return super().write(bytes(memoryview(content)[:1000]))  # type: ignore[call-overload]  # any buffer

    target = Pipe()
    copy_flv(io.BytesIO(indexed(*TAGS)), target, lambda _ms: STATE)
    parsed = TagParser().feed(target.getvalue())
    assert parsed[0] == TagParser().feed(indexed(*TAGS))[0]
    assert len(parsed) == len(TAGS) + 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0, 1e300])
def test_an_absurd_offset_stays(value: float) -> None:
    assert patches(stream(script(value, [value])), [Growth(200, 50)]) == []


def test_an_array_that_is_cut_off_stays() -> None:
    whole = script(0, [100.0, 200.0])
    cut_off = whole._replace(body=whole.body[:-20])
    assert patches(stream(cut_off), [Growth(50, 50)]) == []
    assert patches(stream(script(9.0, []))[:60], [Growth(5, 50)]) == []
    assert patches(stream(sound(0)), [Growth(5, 50)]) == []
    short = Tag(SCRIPT, 0, b"\x00\x08filesize\x00\x40")
    assert patches(stream(short), [Growth(5, 50)]) == []


@given(st.binary(max_size=200))
def test_any_script_data_is_survived(noise: bytes) -> None:
    content = stream(Tag(SCRIPT, 0, noise + b"\x00\x08filesize\x00" + noise), picture(0))
    target = io.BytesIO()
    copy_flv(io.BytesIO(content), target, lambda _ms: STATE)
    assert len(TagParser().feed(target.getvalue())) == 2
