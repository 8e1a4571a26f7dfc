from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.errors import BadMedia
from sei.policy import (
    MAX_ADDRESS_CHARACTERS,
    check_http,
    check_redirect,
    is_allowed_host,
)

HERE = "http://origin.example:8080/live/a.flv?key=1"


@pytest.mark.parametrize(
    ("to", "fetched"),
    [
        ("/b.flv", "http://origin.example:8080/b.flv"),
        ("b.flv", "http://origin.example:8080/live/b.flv"),
        ("//origin.example/b", "http://origin.example/b"),
        ("http://ORIGIN.example./b", "http://ORIGIN.example./b"),
        ("https://origin.example/b", "https://origin.example/b"),
        ("http://edge.cdn.example/b", "http://edge.cdn.example/b"),
        ("http://a.b.cdn.example/b", "http://a.b.cdn.example/b"),
        ("http://other.example/b", "http://other.example/b"),
    ],
)
def test_its_own_host_and_those_named_are_allowed(to: str, fetched: str) -> None:
    assert check_redirect(HERE, to, ("*.cdn.example", "Other.example")) == fetched


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "data:,x",
        "concat:a|b",
        "ftp://origin.example/a",
        "gopher://origin.example/",
        "rtmp://origin.example/live/a",
        "javascript:1",
        "http://evil.example/",
        "http://cdn.example/",
        "http://evilcdn.example/",
        "http://cdn.example.evil.example/",
        "http://origin.example@evil.example/",
        "http://user@origin.example/",
        "http://user:secret@origin.example/",
        "//evil.example/a",
        "http:\\\\evil.example/",
        "http://origin.example\t.evil.example/",
        "http://origin.example:99999/",
        "http://[::1/",
        "http://169.254.169.254/latest",
    ],
)
def test_other_hosts_schemes_and_credentials_are_not(to: str) -> None:
    with pytest.raises(BadMedia):
        check_redirect(HERE, to, ("*.cdn.example",))


def test_nothing_leads_out_of_tls() -> None:
    with pytest.raises(BadMedia, match="TLS"):
        check_redirect("https://origin.example/a", "http://origin.example/a", ())


def test_a_pattern_stands_for_what_is_below_it() -> None:
    assert is_allowed_host("a.cdn.example", ["*.cdn.example"])
    assert not is_allowed_host("cdn.example", ["*.cdn.example"])
    assert not is_allowed_host("", ["*.cdn.example"])


def test_an_address_of_ipv6_is_allowed_as_it_is_written_in_one() -> None:
    assert check_redirect("http://a/", "http://[::1]:8080/b", ["[::1]"]) == "http://[::1]:8080/b"


@pytest.mark.parametrize("url", ["", "a.flv", "/etc/passwd", "http://", "x" * 5000, "http://a b/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadMedia):
        check_http(url)


def test_a_very_long_address_is_refused() -> None:
    with pytest.raises(BadMedia):
        check_http("http://a/" + "x" * MAX_ADDRESS_CHARACTERS)


@given(st.text(max_size=60))
def test_any_text_is_allowed_to_the_own_host_or_refused(to: str) -> None:
    try:
        target = check_redirect(HERE, to, ())
    except BadMedia:
        return
    assert check_http(target).hostname == "origin.example"
