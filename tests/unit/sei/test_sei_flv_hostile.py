"""Tags that no encoder makes: bounded work, and nothing of ours left in them."""

from __future__ import annotations

import pytest
from sei_flv_tags import (
    SLICE,
    configuration,
    cut,
    picture,
    stream,
)
from sei_strategies import our_message

from sei.errors import BadFlv
from sei.flv.rewriter import FlvRewriter
from sei.flv.tags import VIDEO, Tag, TagParser
from sei.flv.video import MAX_SEARCHED_BYTES, MAX_UNITS
from sei.wire.framing import Framing
from sei.wire.message import UUID_BYTES, message_unit

STATE = (b"SS1 state",)
H264 = Framing("h264", 4)
OURS = message_unit(b"forged", "h264")


def rewrite(content: bytes, messages: tuple[bytes, ...] = STATE) -> bytes:
    return FlvRewriter(lambda _ms: messages).rewrite(content)


def tags_of(content: bytes) -> list[Tag]:
    return TagParser().feed(content)


def test_ten_thousand_units_in_a_tag_are_taken() -> None:
    content = H264.frame(b"\x41x") * 10_000
    assert len(tags_of(rewrite(stream(picture(0, content))))) == 1


def test_more_units_than_any_picture_has_are_refused() -> None:
    with pytest.raises(BadFlv, match="units"):
        rewrite(stream(picture(0, bytes(4) * (MAX_UNITS + 1) + H264.frame(b"\x41x"))))


def test_endless_sei_with_ours_inside_is_refused() -> None:
    endless = b"\x06" + b"\x04\x01x" * (MAX_SEARCHED_BYTES // 3) + our_message(b"x") + b"\x80"
    with pytest.raises(BadFlv, match="SEI"):
        rewrite(stream(picture(0, H264.frame(endless) + H264.frame(b"\x41x"))))


def test_a_large_foreign_sei_passes() -> None:
    large = b"\x06\x05" + b"\xff" * 300 + b"\x00" + bytes(76_500) + b"\x80"
    content = stream(picture(0, H264.frame(large) + H264.frame(b"\x41x")))
    assert rewrite(content, ()) == content


def test_a_tag_that_comes_byte_by_byte_costs_no_more_than_its_size() -> None:
    large = picture(0, H264.frame(b"\x41" + bytes(100_000)))
    rewriter = FlvRewriter(lambda _ms: ())
    made = b"".join(rewriter.rewrite(chunk) for chunk in cut(stream(large), 1))
    assert made == stream(large)


@pytest.mark.parametrize("part", [2, 0x3D])
def test_a_message_in_a_tag_of_an_unknown_kind_is_made_unreadable(part: int) -> None:
    body = bytes((0x17, part, 0, 0, 0)) + H264.frame(OURS) + H264.frame(SLICE["h264"])
    rewriter = FlvRewriter(lambda _ms: (), "off")
    (tag,) = tags_of(rewriter.rewrite(stream(configuration(H264), Tag(VIDEO, 0, body))))[1:]
    assert len(tag.body) == len(body)
    assert UUID_BYTES not in tag.body
    assert rewriter.video.removed == 1
