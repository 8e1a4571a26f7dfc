"""Addresses of outputs, and the engine that they lead to."""

from __future__ import annotations

import pytest

from sei.config import StreamConfig
from sei.errors import BadMedia
from sei.outputs.address import parse_output, parse_outputs
from sei.relay.engines import choose_engine


@pytest.mark.parametrize(
    ("text", "kind", "form", "takes_tags"),
    [
        ("flv", "players", "flv", True),
        ("mp4", "players", "mp4", True),
        ("hls", "hls", "mpegts", False),
        ("hls-fmp4", "hls", "mp4", False),
        ("-", "stdout", "flv", True),
        ("ts:-", "stdout", "mpegts", False),
        ("rtmp://onward/live/a", "rtmp", "flv", True),
        ("rtmps://onward/live/a", "rtmp", "flv", True),
        ("out/a.flv", "file", "flv", True),
        ("a.TS", "file", "mpegts", False),
        ("./a:b.mp4", "file", "mp4", False),
        ("a.mkv", "file", "matroska", False),
        ("www/live.m3u8", "folder", "mpegts", False),
        ("fmp4:www/live.m3u8", "folder", "mp4", False),
    ],
)
def test_output_is_read(text: str, kind: str, form: str, takes_tags: bool) -> None:
    output = parse_output(text)
    assert (output.kind, output.format, output.takes_tags) == (kind, form, takes_tags)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mp3",
        ".flv",
        "a.avi",
        "http://a/b.ts",
        "tcp:a.ts",
        "rtmp://host",
        "pipe:1.ts",
        "x:a.m3u8",
    ],
)
def test_what_is_no_output_is_refused(text: str) -> None:
    with pytest.raises(BadMedia):
        parse_output(text)


def test_key_of_a_push_is_not_shown() -> None:
    assert "secret" not in parse_output("rtmp://onward/live/a-secret-key?key=secret").shown


@pytest.mark.parametrize(
    ("source", "outputs", "asked", "engine"),
    [
        ("http://o/a.flv", ("flv", "mp4", "rtmp://p/live/a", "a.flv", "-"), "auto", "flv"),
        ("rtmp://o/live/a", ("flv",), "auto", "flv"),
        ("a.flv", ("flv",), "auto", "flv"),
        ("a.flv", ("flv",), "av", "av"),
        ("a.flv", ("flv", "hls"), "auto", "av"),
        ("http://o/a", ("flv",), "auto", "av"),
        ("http://o/a", ("flv",), "flv", "flv"),
        ("-", ("flv",), "flv", "flv"),
        ("udp://:9000", ("flv",), "auto", "av"),
        ("test:", ("flv",), "auto", "av"),
        ("http://o/live.m3u8", ("flv",), "auto", "av"),
    ],
)
def test_engine_is_that_of_tags_where_everything_is_flv(
    source: str, outputs: tuple[str, ...], asked: str, engine: str
) -> None:
    config = StreamConfig(name="a", room="a", input=source, outputs=outputs, engine=asked)  # type: ignore[arg-type]  # one of its names
    assert choose_engine(config) == engine


@pytest.mark.parametrize(
    ("source", "outputs", "why"),
    [
        ("a.flv", ("hls",), "hls is not made of FLV tags"),
        ("udp://:9000", ("flv",), "is not FLV"),
        ("http://o/live.m3u8", ("flv",), "is not FLV"),
    ],
)
def test_engine_that_cannot_do_it_is_refused(
    source: str, outputs: tuple[str, ...], why: str
) -> None:
    with pytest.raises(BadMedia, match=why):
        choose_engine(StreamConfig(name="a", room="a", input=source, outputs=outputs, engine="flv"))


def test_outputs_that_would_be_shown_alike_are_numbered() -> None:
    """Else one that is live would hide one that is not."""
    pushes = [f"rtmp://a.example/app/live_{key}" for key in (11111, 22222)]
    outputs = parse_outputs(["flv", *pushes])
    assert [output.shown for output in outputs] == [
        "flv",
        "rtmp://a.example/app/live…",
        "rtmp://a.example/app/live… (2)",
    ]
    assert outputs[2].target == pushes[1]
