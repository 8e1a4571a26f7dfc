from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Stream
from gateway.streams import check_streams, read_stream
from room.errors import InvalidArgument

URL = "https://cdn.example/{room}.flv"


@pytest.mark.parametrize(
    ("text", "stream"),
    [
        (f"flv={URL}", Stream("flv", URL)),
        (f"mp4:720p={URL}", Stream("mp4", URL, "720p")),
        (f"hls:720p:hevc={URL}", Stream("hls", URL, "720p", "hevc")),
        (f"flv:hd:h264:1280x720={URL}", Stream("flv", URL, "hd", "h264", 1280, 720)),
        (f"flv:::640x360={URL}", Stream("flv", URL, "source", "h264", 640, 360)),
        (
            "flv=http://a.example/live?room={room}&x=1",
            Stream("flv", "http://a.example/live?room={room}&x=1"),
        ),
        ("hls=https://a.example/one.m3u8", Stream("hls", "https://a.example/one.m3u8")),
        ("flv=http://[::1]:8080/{room}", Stream("flv", "http://[::1]:8080/{room}")),
    ],
)
def test_a_stream_is_read_with_its_defaults(text: str, stream: Stream) -> None:
    assert read_stream(text) == stream


@pytest.mark.parametrize(
    "text",
    [
        "",
        "flv",
        URL,
        f"avi={URL}",
        f"FLV={URL}",
        f"={URL}",
        "flv=",
        "flv=ftp://a.example",
        "flv=//a.example",
        "flv=https://",
        "flv=https://a b.example",
        "flv=https://a.example/\u202e",
        "flv=https://a.example/{rom}",
        "flv=https://a.example/{room",
        "flv=https://a.example/{{room}}",
        "flv=http://[::1",
        "flv=http://a.example:99999",
        f"flv:7 20p={URL}",
        f"flv:{'q' * 33}={URL}",
        f"flv:a:b/c={URL}",
        f"flv:a:b:wide={URL}",
        f"flv:a:b:0x720={URL}",
        f"flv:a:b:1280x={URL}",
        f"flv:a:b:123456x720={URL}",
        f"flv:a:b:1280x720:more={URL}",
    ],
)
def test_a_stream_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_stream(text)


@given(st.text('flvmp4hs:=x{}room/.?[]@1\udcff"', max_size=60))
def test_any_text_gives_a_stream_or_invalid_argument(text: str) -> None:
    try:
        stream = read_stream(text)
    except InvalidArgument:
        return
    assert stream.url_of("r1").count("{") == 0
    msgspec.json.encode(stream)


def test_the_room_is_put_in_wherever_it_stands() -> None:
    assert Stream("flv", "http://a/{room}/{room}.flv").url_of("r1") == "http://a/r1/r1.flv"


def test_several_qualities_and_formats_stand_side_by_side() -> None:
    texts = (f"flv={URL}", f"flv:720p={URL}", f"mp4:720p={URL}", f"mp4:720p:hevc={URL}")
    check_streams([read_stream(text) for text in texts])


def test_two_streams_that_cannot_be_told_apart_are_refused() -> None:
    streams = [read_stream("flv:720p=http://a/1"), read_stream("flv:720p=http://a/2")]
    with pytest.raises(InvalidArgument, match="flv:720p:h264 is given twice"):
        check_streams(streams)
