"""Addresses of servers: which are some, and that none shows its password."""

from __future__ import annotations

import pytest

from store.port import StoreUnusable
from store.redis.address import Address

PASSWORD = "planted-password"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://localhost/", "redis://localhost:6379/0"),
        ("redis://localhost:7000/15", "redis://localhost:7000/15"),
        (f"redis://:{PASSWORD}@127.0.0.1:7000/3", "redis://127.0.0.1:7000/3"),
        (f"redis://user:{PASSWORD}@host/3", "redis://host:6379/3"),
        (f"rediss://user:{PASSWORD}@host:1", "rediss://host:1/0"),
        ("unix:///run/redis.sock?db=2", "unix:///run/redis.sock/2"),
    ],
)
def test_address_is_shown_without_its_password(url: str, shown: str) -> None:
    address = Address(url)
    assert str(address) == shown
    assert PASSWORD not in repr(address)
    assert PASSWORD not in repr(address.connection())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis:",
        "redis://",
        "redis:///3",
        f"http://:{PASSWORD}@host",
        f"redis://:{PASSWORD}@host/three",
        f"redis://:{PASSWORD}@host/1/2",
        f"redis://:{PASSWORD}@host:many",
        f"redis://:{PASSWORD}@host:99999",
        f"redis://:{PASSWORD}@host?socket_timeout=soon",
        f"redis://:{PASSWORD}@host?no_such_option=1",
        f"redis://:{PASSWORD}@[host",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StoreUnusable) as caught:
        Address(url)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("query", ["", "?socket_timeout=60&retry_on_timeout=1", "?protocol=3"])
def test_connections_never_send_anything_again_whatever_the_url_says(query: str) -> None:
    connection = Address(f"redis://localhost{query}").connection()
    assert connection.retry.get_retries() == 0
    assert not connection.retry_on_timeout
    assert connection.protocol == 2
