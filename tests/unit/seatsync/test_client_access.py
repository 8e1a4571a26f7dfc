from __future__ import annotations

import pytest

from room.errors import InvalidArgument
from seatsync import Room
from seatsync.access import open_access

TOKEN = "header.claims.signature"


@pytest.mark.parametrize(
    ("base_url", "room", "token"),
    [
        ("ws://127.0.0.1", "demo", None),
        ("127.0.0.1:8080", "demo", None),
        ("http://", "demo", None),
        ("http://127.0.0.1:99999", "demo", None),
        ("http://user:secret@127.0.0.1", "demo", None),
        ("http://127.0.0.1?token=secret", "demo", None),
        ("http://127.0.0.1", "a/b", None),
        ("http://127.0.0.1", "", None),
        ("http://127.0.0.1", "demo", ""),
        ("http://127.0.0.1", "demo", "a\r\nX-Evil: 1"),
        ("http://127.0.0.1", "demo", "tökén"),
    ],
)
def test_address_room_and_token_are_checked(base_url: str, room: str, token: str | None) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Room(base_url, room, token=token)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("base_url", ["http://host:1/under", "http://host:1/under/"])
def test_gateway_may_live_under_a_path(base_url: str) -> None:
    url = open_access(base_url, "demo", None).url("state")
    assert str(url) == "http://host:1/under/v1/rooms/demo/state"


def test_token_is_in_no_url_and_no_repr() -> None:
    access = open_access("http://host", "demo", TOKEN)
    assert access.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert TOKEN not in f"{access} {access!r} {access.url('push')}"
    assert TOKEN not in repr(Room("http://host", "demo", token=TOKEN))


def test_anonymous_sends_no_authorization() -> None:
    access = open_access("http://host", "demo", None)
    assert access.headers == {}
    assert access.view == "anonymous"


def test_stream_address_is_checked() -> None:
    with pytest.raises(InvalidArgument):
        Room("http://host", "demo", stream_url="rtmp://host/live")
