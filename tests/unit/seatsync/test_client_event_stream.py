from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatsync.sources.event_stream import EventStreamParser, EventTooLarge, ServerEvent


def parser(max_event_bytes: int = 10_000) -> EventStreamParser:
    return EventStreamParser(max_event_bytes=max_event_bytes)


def parse(stream: bytes) -> list[ServerEvent]:
    return parser().feed(stream)


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [("message", "a", "")]),
        (b"data:a\n\n", [("message", "a", "")]),
        (b"data:  a\n\n", [("message", " a", "")]),
        (b"data\n\n", [("message", "", "")]),
        (b"data\ndata\n\n", [("message", "\n", "")]),
        (b"data: a\ndata: b\n\n", [("message", "a\nb", "")]),
        (b"event: add\ndata: 1\n\n", [("add", "1", "")]),
        (b"event: add\n\ndata: 1\n\n", [("message", "1", "")]),
        (b"data: a:b\n\n", [("message", "a:b", "")]),
        (b": comment\n\n", []),
        (b"unknown: x\ndata: a\n\n", [("message", "a", "")]),
        (b"data: unfinished\n", []),
        (b"data: \xff\n\n", [("message", "\ufffd", "")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", "a", "")]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
        (b"id: 1\ndata: a\n\nid\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "")]),
        (b"id: 1\nid: 2\x003\ndata: a\n\n", [("message", "a", "1")]),
        (b"data: a\r\rdata: b\r\n\r\n", [("message", "a", ""), ("message", "b", "")]),
    ],
)
def test_fields_are_read_as_the_standard_says(
    stream: bytes, expected: list[tuple[str, str, str]]
) -> None:
    assert parse(stream) == expected


@pytest.mark.parametrize(
    ("field", "retry_ms"), [(b"1500", 1500), (b"15.5", None), (b"", None), (b"-1", None)]
)
def test_retry_takes_digits_only(field: bytes, retry_ms: int | None) -> None:
    reader = parser()
    reader.feed(b"retry: " + field + b"\n")
    assert reader.retry_ms == retry_ms


def test_cr_and_lf_in_two_chunks_are_one_line_end() -> None:
    reader = parser()
    assert reader.feed(b"data: a\r") == []
    assert reader.feed(b"\ndata: b\r") == []
    assert reader.feed(b"\n\r") == [("message", "a\nb", "")]
    assert reader.feed(b"\n") == []


def test_line_over_the_limit_is_refused_before_it_ends() -> None:
    with pytest.raises(EventTooLarge):
        parser(10).feed(b"data: 01234567")


def test_event_over_the_limit_is_refused() -> None:
    reader = parser(40)
    reader.feed(b"data: 0123456789\n" * 2)
    with pytest.raises(EventTooLarge):
        reader.feed(b"data: 0123456789\n")


def test_limit_is_for_each_event_anew() -> None:
    reader = parser(40)
    assert len(reader.feed(b"data: 0123456789\n\n" * 50)) == 50


chunk_sizes = st.lists(st.integers(1, 7), min_size=1, max_size=20)


def feed_in_chunks(reader: EventStreamParser, stream: bytes, sizes: list[int]) -> list[ServerEvent]:
    found, start, turn = [], 0, 0
    while start < len(stream):
        size = sizes[turn % len(sizes)]
        found += reader.feed(stream[start : start + size])
        start, turn = start + size, turn + 1
    return found


pieces = st.sampled_from(
    [
        *(b"data", b"event", b"id", b"retry", b":", b" ", b"\r", b"\n", b"\r\n", b"x", b"7"),
        *("é€😀".encode(), b"\xef\xbb\xbf", b"\xff", b"\0"),
    ]
)


@given(st.lists(pieces | st.binary(max_size=3), max_size=60).map(b"".join), chunk_sizes)
def test_cutting_into_chunks_changes_nothing(stream: bytes, sizes: list[int]) -> None:
    whole, cut = parser(), parser()
    assert feed_in_chunks(cut, stream, sizes) == whole.feed(stream)
    assert (cut.last_event_id, cut.retry_ms) == (whole.last_event_id, whole.retry_ms)


one_line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"))
written = st.builds(
    ServerEvent,
    one_line.filter(bool),
    st.lists(one_line, min_size=1, max_size=4).map("\n".join),
    one_line,
)


@given(st.lists(written, max_size=5), st.sampled_from(["\r", "\n", "\r\n"]), chunk_sizes)
def test_what_was_written_is_read(events: list[ServerEvent], end: str, sizes: list[int]) -> None:
    stream = "\ufeff"
    for event in events:
        lines = [f"event: {event.event}", ": comment", f"id: {event.last_event_id}"]
        lines += [f"data: {line}" for line in event.data.split("\n")]
        stream += end.join([*lines, "", ""])
    assert feed_in_chunks(parser(), stream.encode(), sizes) == events


@given(st.lists(st.binary(max_size=50), max_size=30))
def test_arbitrary_bytes_raise_nothing_but_the_limit(chunks: list[bytes]) -> None:
    reader = parser(100)
    try:
        for chunk in chunks:
            reader.feed(chunk)
    except EventTooLarge:
        assert sum(map(len, chunks)) > 100
