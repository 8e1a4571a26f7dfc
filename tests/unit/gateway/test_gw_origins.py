from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.origins import Origins, serialise
from room.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://rooms.example", "https://rooms.example"),
        ("HTTPS://Rooms.Example", "https://rooms.example"),
        ("https://rooms.example/", "https://rooms.example"),
        ("https://rooms.example:443", "https://rooms.example"),
        ("http://rooms.example:80", "http://rooms.example"),
        ("http://rooms.example:443", "http://rooms.example:443"),
        ("https://rooms.example:8443", "https://rooms.example:8443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_an_origin_is_written_as_a_browser_writes_it(text: str, origin: str) -> None:
    assert serialise(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "*",
        "rooms.example",
        "//rooms.example",
        "https://",
        "https://:443",
        "ftp://rooms.example",
        "file://",
        "https://rooms.example/page",
        "https://rooms.example?x",
        "https://rooms.example#x",
        "https://user@rooms.example",
        "https://rooms.example:port",
        "https://rooms.example:99999",
        "http://[::1",
        "https://räume.example",
    ],
)
def test_what_is_no_origin_of_a_page_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        serialise(text)


LISTED = Origins(("https://rooms.example", "http://other.example:8080"), None)


@pytest.mark.parametrize("origin", ["https://rooms.example", "http://other.example:8080"])
def test_a_page_of_the_list_is_let_in(origin: str) -> None:
    assert LISTED.admits(origin, "api.example", "https")


@pytest.mark.parametrize(
    "origin",
    [
        "http://rooms.example",
        "https://Rooms.example",
        "HTTPS://rooms.example",
        "https://rooms.example/",
        "https://rooms.example:443",
        "https://rooms.example:444",
        "https://rooms.example.",
        "https://rooms.example.evil.example",
        "https://a.rooms.example",
        "http://other.example",
        "http://other.example:80",
        "null",
        "",
        "*",
        "https://rooms.example https://evil.example",
        "https://rooms.example, https://evil.example",
    ],
)
def test_an_origin_is_compared_exactly(origin: str) -> None:
    assert not LISTED.admits(origin, "api.example", "https")


@pytest.mark.parametrize("origin", ["https://any.example", "null"])
def test_a_star_lets_every_page_in(origin: str) -> None:
    assert Origins(("*",), None).admits(origin, "api.example", "https")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://api.example", "api.example"),
        ("https://api.example", "api.example"),
        ("http://api.example", "api.example:80"),
        ("https://api.example", "api.example:443"),
        ("http://api.example:8080", "api.example:8080"),
        ("http://api.example", "API.Example"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_a_page_of_this_server_needs_no_entry(origin: str, host: str) -> None:
    assert Origins((), None).admits(origin, host, "http")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://api.example:8080", "api.example"),
        ("http://api.example", "api.example:8080"),
        ("http://api.example:443", "api.example"),
        ("http://evil.example", "api.example"),
        ("http://", ""),
        ("http://user@api.example", "user@api.example"),
        ("http://a/b", "a/b"),
        ("null", "null"),
        ("ftp://api.example", "api.example"),
    ],
)
def test_a_page_of_another_host_or_port_is_foreign(origin: str, host: str) -> None:
    assert not Origins((), None).admits(origin, host, "http")


def test_a_public_address_says_which_pages_are_our_own() -> None:
    origins = Origins((), "https://Rooms.example:443/seats")
    assert origins.admits("https://rooms.example", "10.0.0.7:8080", "http")
    assert not origins.admits("http://rooms.example", "rooms.example", "https")
    assert not origins.admits("https://10.0.0.7:8080", "10.0.0.7:8080", "http")


def test_with_a_public_address_the_server_can_still_be_reached_directly() -> None:
    origins = Origins((), "https://rooms.example")
    assert origins.admits("http://10.0.0.7:8080", "10.0.0.7:8080", "http")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_headers_get_a_verdict(origin: str, host: str) -> None:
    if LISTED.admits(origin, host, "http"):
        assert origin.startswith(("http://", "https://"))
