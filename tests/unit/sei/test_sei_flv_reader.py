from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_strategies import our_message

from room.position import Position
from sei.errors import BadFlv
from sei.flv.reader import FlvStateReader, Sighting
from sei.flv.tags import AUDIO, VIDEO, Tag, file_header, write_tag
from sei.wire.framing import Codec, Framing
from sei.wire.message import message_unit
from sei.wire.payload import encode

HEADER = file_header(has_audio=False, has_video=True)
HERE = Position(7, 3)
PICTURE = {"h264": b"\x65idr", "hevc": b"\x26\x01idr"}
TYPE = {"h264": b"\x17", "hevc": b"\x1c"}


def video_tag(*units: bytes, codec: Codec = "h264", length_bytes: int = 4, ts_ms: int = 100) -> Tag:
    framing = Framing(codec, length_bytes)
    content = b"".join(map(framing.frame, (*units, PICTURE[codec])))
    return Tag(VIDEO, ts_ms, TYPE[codec] + b"\x01\x00\x00\x28" + content)


def units(
    body: bytes = b"{}", *, room: str = "demo", codec: Codec = "h264", position: Position = HERE
) -> list[bytes]:
    return [message_unit(message, codec) for message in encode(room, position, 5, body)]


def read(*tags: Tag, room: str = "demo") -> list[Sighting]:
    return FlvStateReader(room).feed(HEADER + b"".join(map(write_tag, tags)))


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_snapshot_is_given_with_the_time_its_picture_is_shown(codec: Codec) -> None:
    found = read(video_tag(*units(codec=codec), codec=codec))
    assert found == [Sighting(HERE, 5, b"{}", 140)]


def test_every_message_of_a_picture_is_given() -> None:
    later = Position(7, 4)
    found = read(video_tag(*units(), *units(b"[]", position=later)))
    assert [sighting.position for sighting in found] == [HERE, later]


def test_pieces_in_several_pictures_make_one_snapshot() -> None:
    body = base64.b85encode(hashlib.shake_256(b"seed").digest(1600))
    tags = [video_tag(unit, ts_ms=n * 40) for n, unit in enumerate(units(body))]
    assert read(*tags) == [Sighting(HERE, 5, body, 120)]


def test_the_configuration_says_how_long_lengths_are() -> None:
    record = b"\x01\x42\xe0\x1e\xfd\xe0\x00"
    configuration = Tag(VIDEO, 0, b"\x17\x00\x00\x00\x00" + record)
    assert len(read(configuration, video_tag(*units(), length_bytes=2))) == 1


def test_a_broken_configuration_is_passed_over() -> None:
    configuration = Tag(VIDEO, 0, b"\x17\x00\x00\x00\x00bad")
    assert len(read(configuration, video_tag(*units()))) == 1


def test_messages_of_other_rooms_and_formats_are_counted_and_passed_over() -> None:
    reader = FlvStateReader("demo")
    later_format = message_unit(b"SS2 whatever", "h264")
    tag = video_tag(*units(room="other"), later_format)
    assert reader.feed(HEADER + write_tag(tag)) == []
    assert (reader.foreign, reader.broken) == (2, 0)


def test_broken_messages_are_counted_and_passed_over() -> None:
    reader = FlvStateReader("demo")
    (message,) = encode("demo", HERE, 5, b"{}")
    damaged = message_unit(message.replace(b"{}", b"{]"), "h264")
    malformed = message_unit(b"SS1 malformed", "h264")
    assert reader.feed(HEADER + write_tag(video_tag(damaged, malformed))) == []
    assert (reader.foreign, reader.broken) == (0, 2)


def test_audio_and_other_video_are_passed_over() -> None:
    assert read(Tag(AUDIO, 0, our_message(b"x")), Tag(VIDEO, 0, b"\x12" + our_message(b"x"))) == []


@given(st.binary(max_size=120), st.integers(1, 30))
def test_garbage_in_a_picture_is_survived(noise: bytes, step: int) -> None:
    body = b"\x17\x01\x00\x00\x00" + noise + our_message(noise)
    stream = HEADER + write_tag(Tag(VIDEO, 0, body)) + write_tag(video_tag(*units()))
    reader = FlvStateReader("demo")
    found = []
    for at in range(0, len(stream), step):
        found += reader.feed(stream[at : at + step])
    assert found == [Sighting(HERE, 5, b"{}", 140)]


def test_what_is_no_flv_is_an_error() -> None:
    with pytest.raises(BadFlv):
        FlvStateReader("demo").feed(b"<!doctype html>")
