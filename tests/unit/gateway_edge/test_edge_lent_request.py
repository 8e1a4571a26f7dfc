"""A lent request as aiohttp gets it: written anew, and never refused unread."""

from __future__ import annotations

import asyncio

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.app import LIMITS
from gateway.edge.framing import MAX_FIELDS
from gateway.edge.head import KNOWN_METHODS, read_head
from gateway.edge.lent import request_bytes
from room.errors import Malformed
from tests.unit.gateway_edge.smuggling_corpus import get, post

PRINTABLE = st.sampled_from([bytes((code,)) for code in range(0x21, 0x7F)])
TARGET = st.lists(PRINTABLE, max_size=20).map(b"".join)
NAMES = st.sampled_from([b"Accept", b"Content-Type", b"Cookie", b"Expect", b"Range", b"User-Agent"])
ODD_NAMES = st.sampled_from([b"Sec-WebSocket-Key1", b"TE", b"Upgrade", b"X-!#$%&'*+-.^_`|~0"])
VALUE = st.lists(st.integers(0, 255), max_size=12).map(bytes)
LINES = st.lists(st.tuples(NAMES | ODD_NAMES, VALUE), max_size=4)
METHODS = st.sampled_from([*sorted(KNOWN_METHODS), b"BREW", b"QUERY", b"get", b"!"])
HOSTS = st.sampled_from([b"a", b"a:", b"[::1]:80", b"[:]", b"..", b"a:99999", b"_"])
BEFORE = st.sampled_from([b"/", b"//", b"http://h", b"http://[::1]:80", b"http://h:/"])


@settings(max_examples=400)
@given(METHODS, BEFORE, TARGET, HOSTS, LINES)
def test_what_is_lent_is_never_refused_unread(
    method: bytes, before: bytes, target: bytes, host: bytes, lines: list[tuple[bytes, bytes]]
) -> None:
    """An error of aiohttp's own repeats what was sent, and names the software."""
    fields = b"".join(b"%b: %b\r\n" % line for line in lines)
    raw = b"%b %b%b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (method, before, target, host, fields)
    try:
        head = read_head(raw)
    except Malformed:
        return
    assert read_by_aiohttp(request_bytes(head, b"ab" if head.has_body else b"")) == 1


def test_as_many_fields_as_may_be_are_lent() -> None:
    limit = [b"A%d: b" % n for n in range(MAX_FIELDS - 1)]
    assert read_by_aiohttp(request_bytes(read_head(get(*limit)), b"")) == 1
    assert read_by_aiohttp(request_bytes(read_head(post(b"Content-Length: 2", *limit[1:])), b"ab"))


def test_method_that_nobody_knows_is_lent_as_one_that_nothing_answers_to() -> None:
    sent = request_bytes(read_head(get().replace(b"GET", b"BREW", 1)), b"")
    assert sent.startswith(b"TRACE /x HTTP/1.1\r\n")


def read_by_aiohttp(raw: bytes) -> int:
    """Count the requests that aiohttp's parser reads, within the limits that are set."""
    names = ("max_line_size", "max_field_size", "max_headers")
    limits = {name: LIMITS[name] for name in names}
    loop = asyncio.new_event_loop()
    try:
        protocol = BaseProtocol(loop)
        parser = HttpRequestParser(protocol, loop, 2**16, **limits)
        messages, upgraded, tail = parser.feed_data(raw)
    finally:
        loop.close()
    assert (upgraded, tail) == (False, b"")
    return len(messages)


def test_request_is_written_anew_without_what_belongs_to_the_connection() -> None:
    raw = post(
        b"Connection: keep-alive, authorization",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: x",
        b"TE: trailers",
        b"Trailer: a",
        b"Expect: 100-continue",
        b"Transfer-Encoding: chunked",
        b"Authorization: Bearer t",
        b"X-A: 1",
        b"X-A:  2",
    )
    assert request_bytes(read_head(raw), b"body").split(b"\r\n") == [
        b"POST /x HTTP/1.1",
        b"Host: a",
        b"authorization: Bearer t",
        b"x-a: 1",
        b"x-a: 2",
        b"Content-Length: 4",
        b"Connection: close",
        b"",
        b"body",
    ]


def test_upgrade_is_not_passed_on() -> None:
    head = read_head(get(b"Connection: upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: k"))
    assert b"upgrade" not in request_bytes(head, b"").lower()


def test_host_that_is_passed_on_is_the_targets() -> None:
    head = read_head(get(target=b"http://b:8/x?y"))
    assert request_bytes(head, b"").startswith(b"GET /x?y HTTP/1.1\r\nHost: b:8\r\n")


def test_request_that_is_passed_on_reads_as_the_same_one() -> None:
    head = read_head(get(b"A: \xe9", b"B:", b"If-None-Match: x", target=b"/a%2F?b=%20"))
    again = read_head(request_bytes(head, b""))
    assert (again.method, again.path, again.query) == (head.method, head.path, head.query)
    assert {**again.fields, b"connection": [b""]} == {**head.fields, b"connection": [b""]}
