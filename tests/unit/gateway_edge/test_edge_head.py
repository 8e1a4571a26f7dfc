"""What a head says, once it is one; what is none is in the corpus of smuggling."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from gateway.edge.framing import MAX_HEAD_BYTES, MAX_LINE_BYTES, may_become_head
from gateway.edge.head import MAX_PARAMS, read_head
from room.errors import InvalidArgument, Malformed
from tests.unit.gateway_edge.smuggling_corpus import CASES, get, post

HTTP_1_0 = b"HTTP/1.0"


def test_head_says_what_was_asked_for() -> None:
    raw = get(b"A: 1", b"a:  2 ", b"B:", target=b"/v1/r%2F?after=1.2&x=%20")
    head = read_head(raw)
    assert (head.method, head.path, head.query) == ("GET", "/v1/r%2F", "after=1.2&x=%20")
    assert (head.host, head.version, head.raw) == ("a", "1.1", raw)
    assert head.fields == {b"host": [b"a"], b"a": [b"1", b"2"], b"b": [b""]}
    assert (head.get(b"a"), head.all(b"a"), head.get(b"b")) == ("1", ("1", "2"), "")
    assert (head.get(b"c"), head.all(b"c")) == (None, ())
    assert (head.has_body, head.upgrade, head.keep_alive) == (False, False, True)


def test_values_that_are_not_ascii_are_read_as_latin_1() -> None:
    assert read_head(get(b"A: \xe9")).get(b"a") == "\u00e9"


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        (b"http://b", "/", "", "b"),
        (b"HTTP://b:81/x?y", "/x", "y", "b:81"),
        (b"https://b?y", "/", "y", "b"),
        (b"http://[::1]/x", "/x", "", "[::1]"),
        (b"/http://b/x", "/http://b/x", "", "a"),
        (b"//b/x", "//b/x", "", "a"),
        (b"/?", "/", "", "a"),
        (b"/x??", "/x", "?", "a"),
    ],
)
def test_authority_of_the_target_counts_before_the_host(
    target: bytes, path: str, query: str, host: str
) -> None:
    """RFC 9112 3.2.2."""
    head = read_head(get(target=target))
    assert (head.path, head.query, head.host) == (path, query, host)


def test_asterisk_is_for_options_alone() -> None:
    assert read_head(get(target=b"*").replace(b"GET", b"OPTIONS", 1)).path == "*"
    for method in (b"GET", b"POST", b"FOO"):
        with pytest.raises(Malformed):
            read_head(get(target=b"*").replace(b"GET", method, 1))


@pytest.mark.parametrize("method", ["get", "FOO", "M-SEARCH", "X" * 32, "PRI", "SOURCE", "!"])
def test_any_token_is_a_method(method: str) -> None:
    head = read_head(get(b"Content-Length: 0").replace(b"GET", method.encode(), 1))
    assert (head.method, head.path) == (method, "/x")


@pytest.mark.parametrize(
    ("version", "options", "stays"),
    [
        (b"HTTP/1.1", [], True),
        (b"HTTP/1.1", [b"close"], False),
        (b"HTTP/1.1", [b"x , CLOSE"], False),
        (b"HTTP/1.1", [b"x", b"close"], False),
        (b"HTTP/1.1", [b"keep-alive, close"], False),
        (b"HTTP/1.1", [b"closed"], True),
        (HTTP_1_0, [], False),
        (HTTP_1_0, [b"Keep-Alive"], True),
        (HTTP_1_0, [b"keep-alive", b"close"], False),
    ],
)
def test_whether_the_connection_stays(version: bytes, options: list[bytes], stays: bool) -> None:
    """RFC 9112 9.3."""
    lines = [b"Connection: " + option for option in options]
    assert read_head(get(*lines, version=version)).keep_alive is stays


def test_upgrade_needs_its_option_and_http_1_1() -> None:
    both = (b"Connection: keep-alive, Upgrade", b"Upgrade: websocket")
    assert read_head(get(*both)).upgrade
    assert not read_head(get(both[0])).upgrade
    assert not read_head(get(both[1])).upgrade
    assert not read_head(get(*both, version=HTTP_1_0)).upgrade, "RFC 9110 7.8"


def test_how_a_body_is_delimited() -> None:
    plain = read_head(post(b"Content-Length: 12"))
    assert (plain.length, plain.is_chunked, plain.has_body) == (12, False, True)
    chunked = read_head(post(b"Transfer-Encoding: chunked"))
    assert (chunked.length, chunked.is_chunked, chunked.has_body) == (0, True, True)


def test_expectation_counts_in_http_1_1_alone() -> None:
    line = b"Expect: 100-Continue"
    assert read_head(post(line)).expects_continue
    assert not read_head(post(line, version=HTTP_1_0)).expects_continue
    assert not read_head(post()).expects_continue
    with pytest.raises(Malformed):
        read_head(post(line, line))


def test_limits_are_met_exactly() -> None:
    line = b"A: " + b"x" * (MAX_LINE_BYTES - 3)
    assert read_head(get(line)).get(b"a") == "x" * (MAX_LINE_BYTES - 3)
    with pytest.raises(Malformed):
        read_head(get(line + b"x"))
    bare = len(get(line, b"B: "))
    rest = MAX_HEAD_BYTES - bare
    assert len(read_head(get(line, b"B: " + b"x" * rest)).raw) == MAX_HEAD_BYTES
    with pytest.raises(Malformed):
        read_head(get(line, b"B: " + b"x" * (rest + 1)))


def test_error_of_what_can_not_be_read_repeats_nothing_of_it() -> None:
    with pytest.raises(Malformed) as raised:
        read_head(b"GET /secret HTTP/1.1\r\nHost: a\r\nAuthorization: secret\x00\r\n\r\n")
    assert raised.value.message == "this is no HTTP request"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_beginning_of_a_head_may_become_one(case: object) -> None:
    raw = getattr(case, "raw", b"").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    try:
        read_head(raw)
    except Malformed:
        return
    assert all(may_become_head(raw[:end]) for end in range(len(raw) - 1))


@pytest.mark.parametrize(
    "begun",
    [
        b"\x16",
        b"\n",
        b" ",
        b"\r\r",
        b"\r\n\r",
        b"G\x00",
        b"G" * 33,
        b"G\n",
        b"G /\n",
        b"GET /\rX",
    ],
)
def test_garbage_is_refused_before_a_head_is_whole(begun: bytes) -> None:
    assert not may_become_head(begun)


TEXT = st.text(string.printable + "\u00e9\u4e2d\x00\x7f", max_size=8)
QUERY = st.text("ab=&+%;?/02Cf", max_size=40)


@given(QUERY)
def test_parameters_are_decoded_as_aiohttp_does(query: str) -> None:
    theirs: dict[str, str] = {}
    for name, value in URL.build(path="/", query_string=query, encoded=True).query.items():
        theirs.setdefault(name, value)
    assert read_head(get(target=b"/x?" + query.encode())).params == theirs


@given(st.dictionaries(TEXT, TEXT, max_size=5))
def test_parameters_come_back_as_they_were_encoded(params: dict[str, str]) -> None:
    target = b"/x?" + URL.build(query=params).raw_query_string.encode()
    assert read_head(get(target=target)).params == params


def test_first_parameter_of_a_name_counts() -> None:
    head = read_head(get(target=b"/x?a=1&a=2&b=%FF&&c"))
    assert head.params == {"a": "1", "b": "\ufffd", "c": ""}
    assert head.params is head.params


def test_parameters_are_bounded() -> None:
    assert len(read_head(get(target=b"/x?" + _many(MAX_PARAMS))).params) == MAX_PARAMS
    with pytest.raises(InvalidArgument):
        _ = read_head(get(target=b"/x?" + _many(MAX_PARAMS + 1))).params


def _many(count: int) -> bytes:
    return b"&".join(b"p%d=1" % n for n in range(count))


BYTES = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b"Host", b":", b"a", b"\n", b"\r"]),
    max_size=14,
).map(b"".join)


@given(BYTES)
def test_arbitrary_bytes_are_a_head_or_malformed(raw: bytes) -> None:
    try:
        head = read_head(raw)
    except Malformed:
        return
    assert head.raw == raw
