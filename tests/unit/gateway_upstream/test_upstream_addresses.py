from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import Upstream
from gateway.upstream.addresses import check_upstreams, read_upstream
from room.errors import InvalidArgument

URL = "http://seats.internal/rooms/{room}/seats"


@pytest.mark.parametrize(
    ("text", "doc", "url"),
    [
        (f"x-seats={URL}", "x-seats", URL),
        (f" x-seats = {URL} ", "x-seats", URL),
        (
            "x-a=https://a.example:8443/?room={room}&x=1",
            "x-a",
            "https://a.example:8443/?room={room}&x=1",
        ),
        ("x-a=http://[::1]:80/{room}/{room}.json", "x-a", "http://[::1]:80/{room}/{room}.json"),
        ("x-news=http://a.example/news", "x-news", "http://a.example/news"),
    ],
)
def test_an_upstream_is_a_document_and_an_address(text: str, doc: str, url: str) -> None:
    assert read_upstream(text) == Upstream(doc, url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x-seats",
        URL,
        f"state={URL}",
        f"requests={URL}",
        f"x-={URL}",
        f"x-Seats={URL}",
        f"x-{'s' * 33}={URL}",
        "x-seats=",
        "x-seats=ftp://a.example/{room}",
        "x-seats=file:///etc/passwd",
        "x-seats=//a.example/{room}",
        "x-seats=http:///{room}",
        "x-seats=http://a..example/{room}",
        f"x-seats=http://{'a' * 64}.example/{{room}}",
        "x-seats=http://user@a.example/{room}",
        "x-seats=http://user:secret@a.example/{room}",
        "x-seats=http://{room}.example/",
        "x-seats=http://a.example/{rom}",
        "x-seats=http://a.example/{room",
        "x-seats=http://a.example/{{room}}",
        "x-seats=http://a.example/#{room}",
        "x-seats=http://a.example/#",
        "x-seats=http://a.example/a b",
        "x-seats=http://a.example/\r\nX: y",
        "x-seats=http://a.example\\@b.example/",
        "x-seats=http://a.example:0/",
        "x-seats=http://a.example:99999/",
        "x-seats=http://[::1/",
        "x-seats=http://\u00e4.example/",
    ],
)
def test_an_upstream_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_upstream(text)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        read_upstream("x-seats=http://user:secret@a.example/")
    assert "secret" not in refusal.value.message


@given(st.text('x-as=htp:/{room}.?[]@1#\udcff"', max_size=60))
def test_any_text_gives_an_upstream_or_invalid_argument(text: str) -> None:
    try:
        upstream = read_upstream(text)
    except InvalidArgument:
        return
    assert "{" not in upstream.url_of("r1")


def test_one_document_has_one_upstream() -> None:
    one, other = read_upstream(f"x-a={URL}"), read_upstream(f"x-b={URL}")
    check_upstreams([one, other])
    with pytest.raises(InvalidArgument, match="x-a is given twice"):
        check_upstreams([one, other, one])
