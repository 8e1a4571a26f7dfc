from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.errors import BadMedia
from sei.inputs.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "kind", "is_flv"),
    [
        ("http://h/live/a.flv", "http", True),
        ("https://h/live/A.FLV?x=.ts", "http", True),
        ("http://h/live/a.ts", "http", False),
        ("http://h/live/a?b=.flv", "http", False),
        ("HTTP://h/a.m3u8?x=1", "hls", False),
        ("https://h/a.m3u8", "hls", False),
        ("rtmp://h/live/a", "rtmp", True),
        ("udp://@239.1.1.1:1234?localaddr=127.0.0.1", "udp", False),
        ("udp://:1234", "udp", False),
        ("-", "stdin", False),
        ("test:", "test", False),
        ("media/a.flv", "file", True),
        ("/media/a.mp4", "file", False),
        ("./a:b.flv", "file", True),
    ],
)
def test_each_form_is_known(text: str, kind: str, is_flv: bool) -> None:
    address = parse_address(text)
    assert (address.kind, address.text, address.is_flv) == (kind, text, is_flv)


def test_the_parts_are_read() -> None:
    assert parse_address("https://u:p@[::1]/live/a.flv?k=secret") == Address(
        "http",
        "https://u:p@[::1]/live/a.flv?k=secret",
        "https://[::1]/live/a.flv?…",
        host="::1",
        port=443,
        path="/live/a.flv",
        query="k=secret",
    )
    assert parse_address("rtmp://h/live/a").port == 1935


@given(st.text("abcxyz0189", min_size=8), st.sampled_from(["http://", "rtmp://", "https://"]))
def test_what_is_secret_is_never_shown(secret: str, scheme: str) -> None:
    address = parse_address(f"{scheme}user:{secret}@host/live/name.flv?token={secret}")
    assert secret not in address.shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "concat:a.ts|b.ts",
        "data:text/plain,x",
        "ftp://h/a",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "crypto:a",
        "rtsp://h/a",
        "srt://h:1",
        "tcp://h:1",
        "pipe:0",
        "lavfi:testsrc",
        "a:b.flv",
        "http:h",
        "http:///a.flv",
        "http://h:x/",
        "http://h/a\nb",
        "rtmp://h",
        "rtmp:///live/a",
        "udp://h",
        "udp://h:0",
        "udp://h:1/path",
        "list.m3u8",
        "a\x00b",
        "x" * 5000,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(BadMedia):
        parse_address(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except BadMedia:
        return
    assert address.kind != "file" or ":" not in text.partition("/")[0]
