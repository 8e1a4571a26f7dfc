"""Bodies: where they end, however they are cut; what is none is in the corpus of smuggling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import MAX_BODY_BYTES
from gateway.edge.bodies import MAX_OVERHEAD_BYTES, Body, ChunkedBody, SizedBody, expect_body
from gateway.edge.head import read_head
from room.errors import Malformed, SeatsyncError
from tests.unit.gateway_edge.smuggling_corpus import post


def in_chunks(parts: list[bytes]) -> bytes:
    lines = [b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part]
    return b"".join(lines) + b"0\r\n\r\n"


def feed(body: Body, raw: bytes, cuts: list[int]) -> bytes:
    """Offer bytes in pieces; give what is left behind the body."""
    held, at = b"", 0
    for cut in [*sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]:
        held = body.take(held + raw[at:cut]) if not body.is_whole else held + raw[at:cut]
        at = cut
    return held


PARTS = st.lists(st.binary(max_size=20), max_size=5)
CUTS = st.lists(st.integers(0, 1000), max_size=8)


@given(PARTS, CUTS, st.binary(max_size=10))
def test_chunks_are_joined_and_what_is_behind_them_is_left(
    parts: list[bytes], cuts: list[int], behind: bytes
) -> None:
    body = ChunkedBody()
    assert feed(body, in_chunks(parts) + behind, cuts) == behind
    assert body.is_whole
    assert body.read() == b"".join(parts)


@given(st.binary(max_size=50), CUTS, st.binary(max_size=10))
def test_sized_body_ends_at_its_size(content: bytes, cuts: list[int], behind: bytes) -> None:
    body = SizedBody(len(content))
    assert feed(body, content + behind, cuts) == behind
    assert body.is_whole
    assert body.read() == content


@given(st.binary(max_size=60), CUTS)
def test_arbitrary_bytes_are_chunks_or_refused_alike_however_they_are_cut(
    raw: bytes, cuts: list[int]
) -> None:
    assert outcome(raw, []) == outcome(raw, cuts)


def outcome(raw: bytes, cuts: list[int]) -> tuple[bool, bytes, bytes] | str:
    body = ChunkedBody()
    try:
        rest = feed(body, raw, cuts)
        return (True, body.read(), rest) if body.is_whole else (False, b"", b"")
    except SeatsyncError as error:
        return error.code


def test_chunks_up_to_the_limit_are_taken_and_one_byte_more_is_not() -> None:
    body = ChunkedBody()
    body.take(in_chunks([b"x" * (MAX_BODY_BYTES // 2)] * 2))
    assert len(body.read()) == MAX_BODY_BYTES
    with pytest.raises(SeatsyncError) as raised:
        ChunkedBody().take(b"%x\r\n" % MAX_BODY_BYTES + b"x" * MAX_BODY_BYTES + b"\r\n1\r\n")
    assert raised.value.code == "TOO_LARGE"


@pytest.mark.parametrize("line", [b"1;a=b\r\nx\r\n", b"1\r\nx\r\n"])
def test_what_chunks_take_beside_their_bytes_is_bounded(line: bytes) -> None:
    body = ChunkedBody()
    with pytest.raises(SeatsyncError) as raised:
        body.take(line * MAX_BODY_BYTES)
    assert raised.value.code == "TOO_LARGE"


def test_trailers_are_bounded() -> None:
    body = ChunkedBody()
    body.take(b"0\r\n")
    with pytest.raises(SeatsyncError):
        body.take(b"A: b\r\n" * MAX_BODY_BYTES)


def test_trailers_are_dropped() -> None:
    body = ChunkedBody()
    assert body.take(b"1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\nGET") == b"GET"
    assert body.read() == b"x"


@pytest.mark.parametrize(
    "begun", [b"x", b"+", b"1 ", b"1\rx", b"\r", b"1;\n", b"1;" + b"x" * 300, b"111111111"]
)
def test_garbage_is_refused_before_its_line_is_whole(begun: bytes) -> None:
    body = ChunkedBody()
    if begun == b"\r":
        assert body.take(begun) == begun, "the other half may come"
        begun = b"\r\n"
    with pytest.raises(Malformed):
        body.take(begun)


def test_head_says_which_body_to_expect() -> None:
    assert isinstance(expect_body(read_head(post(b"Transfer-Encoding: chunked"))), ChunkedBody)
    assert isinstance(expect_body(read_head(post(b"Content-Length: 3"))), SizedBody)
    with pytest.raises(SeatsyncError) as raised:
        expect_body(read_head(post(b"Content-Length: %d" % (MAX_BODY_BYTES + 1))))
    assert raised.value.code == "TOO_LARGE"


def test_chunks_that_are_mostly_overhead_are_refused() -> None:
    """A body of one-byte chunks costs far more to read than it holds."""
    body = ChunkedBody()
    with pytest.raises(SeatsyncError):
        body.take(b"1\r\nx\r\n" * (MAX_OVERHEAD_BYTES // 5 + 1))
    assert MAX_OVERHEAD_BYTES <= 8 * 1024


@pytest.mark.parametrize("size", [128, 1024, 8192])
def test_largest_body_in_chunks_as_clients_send_them_is_taken(size: int) -> None:
    body = ChunkedBody()
    body.take(in_chunks([b"x" * size] * (MAX_BODY_BYTES // size)))
    assert len(body.read()) == MAX_BODY_BYTES
