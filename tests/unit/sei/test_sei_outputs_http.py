from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.errors import Malformed
from sei.outputs.fanout import LiveStream
from sei.outputs.http import PlayerServer
from sei.outputs.http_answer import Span, content, read_range
from sei.outputs.http_request import MethodNotAllowed, read_request
from sei.outputs.http_routes import Kept, Live, NotFound, UnknownStream, find
from sei.outputs.outlet import Outlet
from sei.outputs.shelf import PLAYLIST, Shelf


def head(first: str, *fields: str) -> bytes:
    return "\r\n".join((first, "Host: x", *fields, "", "")).encode()


# Requests ----------------------------------------------------------------------------------------


def test_a_request_is_read() -> None:
    request = read_request(head("GET /live/a.flv?x=1&y HTTP/1.1", "RANGE: bytes=0-1"))
    assert request == ("GET", "/live/a.flv?x=1&y", "/live/a.flv", True, b"bytes=0-1")


@pytest.mark.parametrize(
    ("first", "field", "stays"),
    [
        ("GET / HTTP/1.1", "X: y", True),
        ("GET / HTTP/1.1", "Connection: close", False),
        ("GET / HTTP/1.0", "X: y", False),
        ("GET / HTTP/1.0", "Connection: keep-alive", True),
    ],
)
def test_a_connection_stays_as_the_client_wishes(first: str, field: str, stays: bool) -> None:
    assert read_request(head(first, field)).keep_alive is stays


def test_a_whole_address_and_a_wish_to_upgrade_are_let_pass() -> None:
    assert read_request(head("GET http://a:80/live/x.flv HTTP/1.1")).path == "/live/x.flv"
    upgrade = head("GET /live/x.flv HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket")
    assert read_request(upgrade).path == "/live/x.flv"
    assert read_request(head("OPTIONS * HTTP/1.1")).path == "*"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "get"])
def test_other_methods_are_not_allowed(method: str) -> None:
    with pytest.raises(MethodNotAllowed):
        read_request(head(f"{method} /live/x.flv HTTP/1.1"))


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        head("GET / HTTP/1.1", "Content-Length: 5"),
        head("GET / HTTP/1.1", "Transfer-Encoding: chunked"),
        head("GET / HTTP/1.1", "Content-Length: 0", "Transfer-Encoding: chunked"),
        head("GET / HTTP/1.1", "no colon"),
    ],
)
def test_what_is_no_request_of_a_player_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_request(raw)


@given(st.binary(max_size=200), st.sampled_from([b"", b"GET ", b"GET /", b"GET /a HTTP/1.1\r\n"]))
def test_any_bytes_are_a_request_or_refused(noise: bytes, start: bytes) -> None:
    with suppress(Malformed, MethodNotAllowed):  # nothing else may come out
        assert read_request(start + noise + b"\r\n\r\n").method in {"GET", "HEAD", "OPTIONS"}


# Routes ------------------------------------------------------------------------------------------


async def test_an_address_leads_to_a_form_a_playlist_or_a_segment() -> None:
    shelf = Shelf()
    shelf.put(PLAYLIST, b"list")
    shelf.put("1.ts", b"segment")
    live = LiveStream()
    streams = {"a": Outlet(live, frozenset({"flv", "mp4"}), shelf)}
    assert find("/live/a.flv", streams.get) == Live(live, "flv", "video/x-flv")
    assert find("/live/a.mp4", streams.get) == Live(live, "mp4", "video/mp4")
    playlist = find("/live/a.m3u8", streams.get)
    assert isinstance(playlist, Kept)
    assert playlist[:2] == (b"list", "application/vnd.apple.mpegurl")
    assert "no-cache" in playlist.cache
    segment = find("/live/a/1.ts", streams.get)
    assert segment == Kept(b"segment", "video/mp2t", "public, max-age=3600")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/live/",
        "/live/a",
        "/live/a.avi",
        "/live/a/",
        "/live/a/2.ts",
        "/live/a/../a.flv",
        "/live/a.mp4",
        "/live/%61.flv",
        "/live/a.flv/",
        "*",
        "/live/a/b/c",
    ],
)
async def test_any_other_path_is_not_found(path: str) -> None:
    streams = {"a": Outlet(LiveStream(), frozenset({"flv"}), Shelf())}
    with pytest.raises(NotFound):
        find(path, streams.get)


async def test_a_stream_that_is_not_here_is_told_from_a_form_that_is_not_offered() -> None:
    streams = {"a": Outlet(None, frozenset({"flv"}), None)}
    for path in ("/live/b.flv", "/live/b/1.ts"):
        with pytest.raises(UnknownStream):
            find(path, streams.get)
    for path in ("/live/a.flv", "/live/a.m3u8", "/live/a/1.ts"):
        with pytest.raises(NotFound) as caught:
            find(path, streams.get)
        assert not isinstance(caught.value, UnknownStream)


# Ranges ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "span"),
    [
        (b"", None),
        (b"bytes=0-0", Span(0, 1)),
        (b"bytes=2-", Span(2, 10)),
        (b"bytes=-3", Span(7, 10)),
        (b"bytes=-30", Span(0, 10)),
        (b"bytes=0-99", Span(0, 10)),
        (b"bytes=5-4", None),
        (b"bytes=-", None),
        (b"bytes=0-1,3-4", None),
        (b"lines=0-1", None),
    ],
)
def test_one_range_is_given_and_others_are_ignored(wanted: bytes, span: Span | None) -> None:
    assert read_range(wanted, 10) == span
    answer = content(b"0123456789", "x/y", "no-store", wanted=wanted, keep_alive=True)
    expected = b"0123456789" if span is None else b"0123456789"[span.start : span.end]
    assert bytes(answer.body) == expected
    assert f"Content-Length: {len(expected)}\r\n".encode() in answer.head


@pytest.mark.parametrize("wanted", [b"bytes=10-", b"bytes=99-100", b"bytes=-0"])
def test_a_range_behind_the_end_is_refused(wanted: bytes) -> None:
    answer = content(b"0123456789", "x/y", "no-store", wanted=wanted, keep_alive=True)
    assert answer.head.startswith(b"HTTP/1.1 416 ")
    assert b"Content-Range: bytes */10\r\n" in answer.head
    assert answer.body == b""


# Connections -------------------------------------------------------------------------------------


async def test_one_player_too_many_is_told_to_come_again() -> None:
    """So that a crowd leaves descriptors and memory for the streams."""
    server = PlayerServer(lambda _name: None, max_connections=2)
    peers = []
    for _ in range(3):
        peer, ours = socket.socketpair()
        peers.append(peer)
        server.adopt(ours)
    await asyncio.sleep(0)
    peers[2].settimeout(10)
    answer = peers[2].recv(4096)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 5\r\n" in answer
    assert peers[2].recv(1) == b""
    await server.close()
    for peer in peers:
        peer.close()
