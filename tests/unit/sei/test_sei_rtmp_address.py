from __future__ import annotations

import pytest

from sei.errors import BadMedia
from sei.rtmp.address import parse_rtmp


@pytest.mark.parametrize(
    ("text", "host", "port", "app", "key"),
    [
        ("rtmp://a.example/live/demo", "a.example", 1935, "live", "demo"),
        ("rtmp://a.example:1936/live/demo?t=1&u=2", "a.example", 1936, "live", "demo?t=1&u=2"),
        ("rtmp://a.example/app/instance/key", "a.example", 1935, "app/instance", "key"),
        ("rtmp://a.example/app/instance/mp4:a/b", "a.example", 1935, "app/instance", "mp4:a/b"),
        ("rtmps://a.example/live/demo", "a.example", 443, "live", "demo"),
        ("rtmp://[::1]:1935/live/demo", "::1", 1935, "live", "demo"),
    ],
)
def test_application_ends_where_ffmpeg_ends_it(
    text: str, host: str, port: int, app: str, key: str
) -> None:
    address = parse_rtmp(text)
    assert (address.host, address.port, address.app, address.key) == (host, port, app, key)
    assert address.is_tls == text.startswith("rtmps")


def test_application_has_an_address_of_its_own() -> None:
    assert parse_rtmp("rtmp://a.example/live/demo?t=1").tc_url == "rtmp://a.example:1935/live"
    assert parse_rtmp("rtmp://[::1]/live/demo").tc_url == "rtmp://[::1]:1935/live"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtmp://a.example:1936/live/demo", "rtmp://a.example:1936/live/demo"),
        ("rtmp://a.example/live/demo?secret=1", "rtmp://a.example/live/demo?…"),
        ("rtmp://a.example/live/abcd-efgh-ijkl", "rtmp://a.example/live/abcd…"),
    ],
)
def test_query_and_long_keys_are_not_shown(text: str, shown: str) -> None:
    assert parse_rtmp(text).shown == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/live/demo",
        "rtmp:///live/demo",
        "rtmp://a.example",
        "rtmp://a.example/live/",
        "rtmp://a.example//demo",
        "rtmp://a.example/live//demo",
        "rtmp://a.example:99999/live/demo",
        "rtmp://a.example/live/de mo",
        "rtmp://user:password@a.example/live/demo",
    ],
)
def test_address_that_is_none_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadMedia) as raised:
        parse_rtmp(text)
    assert "password" not in str(raised.value)


def test_one_step_is_the_application_and_the_key_is_empty() -> None:
    address = parse_rtmp("rtmp://a.example/stage?token=secret")
    assert (address.app, address.key) == ("stage", "?token=secret")
    assert address.shown == "rtmp://a.example/stage?…"
