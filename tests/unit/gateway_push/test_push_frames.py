"""The frame reader's own rules: what it holds, when it is idle, what its fast path leaves alone."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config import MAX_FRAME_BYTES
from gateway.push.frames import (
    MAX_FRAGMENTS,
    CloseFrame,
    FrameError,
    FrameReader,
    PingFrame,
    PongFrame,
    Text,
    lone_event,
)
from tests.unit.gateway_push.frame_samples import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    RSV1,
    TEXT,
    bare_frame,
    client_frame,
    closing,
    declared,
    outcome,
    pieces,
)

HELLO = client_frame(TEXT, b"Hello")
BEGUN = client_frame(TEXT, b"Hel", flags=0)


def reader(max_message_bytes: int = MAX_FRAME_BYTES) -> FrameReader:
    return FrameReader(max_message_bytes)


def test_new_reader_is_idle() -> None:
    assert reader().is_idle


def test_reader_is_idle_again_after_a_whole_frame() -> None:
    frames = reader()
    frames.feed(HELLO)
    assert frames.is_idle


@pytest.mark.parametrize("held", [HELLO[:1], HELLO[:7], BEGUN, HELLO + HELLO[:3]])
def test_reader_is_not_idle_inside_a_frame_or_a_message(held: bytes) -> None:
    frames = reader()
    frames.feed(held)
    assert not frames.is_idle


def test_reader_is_idle_after_the_last_fragment_and_holds_nothing() -> None:
    frames = reader()
    for piece in pieces(BEGUN + client_frame(CONTINUATION, b"lo"), range(30)):
        frames.feed(piece)
    assert (frames.is_idle, frames.held_bytes) == (True, 0)


def test_reader_is_never_idle_after_a_close_frame() -> None:
    frames = reader()
    frames.feed(closing(1000))
    assert not frames.is_idle


def test_what_follows_a_close_frame_is_ignored_in_later_feeds_too() -> None:
    frames = reader()
    assert frames.feed(closing(1000)) == [CloseFrame(1000, b"")]
    assert frames.feed(HELLO) == []
    assert frames.held_bytes == 0


def test_error_behind_events_is_kept_and_raised_by_the_next_feed() -> None:
    frames = reader()
    assert frames.feed(HELLO + bare_frame(TEXT)) == [Text(b"Hello")]
    assert frames.error is not None
    assert frames.error.code == 1002
    with pytest.raises(FrameError) as raised:
        frames.feed(b"")
    assert raised.value.code == 1002


def test_error_without_events_before_it_is_raised_at_once_and_stays() -> None:
    frames = reader()
    for _ in range(2):
        with pytest.raises(FrameError, match="1002: a frame is not masked"):
            frames.feed(bare_frame(TEXT))
    assert (frames.is_idle, frames.held_bytes) == (False, 0)


def test_reader_that_refused_is_freed_without_a_garbage_collection() -> None:
    frames = reader()
    with contextlib.suppress(FrameError):
        frames.feed(bare_frame(TEXT))
    assert frames.error is not None
    assert frames.error.__traceback__ is None


def test_error_drops_the_message_that_had_begun() -> None:
    frames = reader()
    frames.feed(BEGUN)
    with pytest.raises(FrameError):
        frames.feed(HELLO)
    assert frames.held_bytes == 0


def test_reason_of_every_error_fits_a_close_frame() -> None:
    for stream in (declared(TEXT, 1 << 62), bare_frame(TEXT), client_frame(BINARY)):
        with pytest.raises(FrameError) as raised:
            reader().feed(stream)
        assert len(raised.value.reason.encode("ascii")) <= 123


@pytest.mark.parametrize("length", [MAX_FRAME_BYTES + 1, 1 << 31, 1 << 62])
def test_declared_length_is_refused_without_allocation(length: int) -> None:
    stream = declared(TEXT, length, form=16 if length < 65536 else 64)
    frames = reader()
    tracemalloc.start()
    try:
        with pytest.raises(FrameError) as raised:
            frames.feed(stream)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raised.value.code == 1009
    assert peak < 64 * 1024


def test_declared_length_is_refused_with_the_last_byte_of_the_header() -> None:
    stream = declared(TEXT, 1 << 62)
    assert outcome(reader(), pieces(stream[:-1], range(20))) == ([], None)
    assert outcome(reader(), pieces(stream, range(20))) == ([], 1009)


def test_reader_holds_no_more_than_its_bound_while_a_client_dawdles() -> None:
    frames = reader(1000)
    begun = client_frame(TEXT, b"*" * 1000, flags=0)
    slow = begun + client_frame(PING, b"*" * 125)[:-1]
    assert outcome(frames, pieces(slow, range(len(slow)))) == ([], None)
    assert 1000 < frames.held_bytes <= frames.max_held_bytes <= 1000 + 14 + 125


def test_text_says_in_how_many_frames_it_came() -> None:
    (whole,) = reader().feed(BEGUN + client_frame(CONTINUATION, b"lo"))
    assert whole == Text(b"Hello", frames=2)


def test_empty_fragments_end_at_their_bound_with_1008() -> None:
    frames = reader()
    frames.feed(client_frame(TEXT, flags=0))
    empty = client_frame(CONTINUATION, flags=0)
    for _ in range(MAX_FRAGMENTS - 1):
        assert frames.feed(empty) == []
    with pytest.raises(FrameError) as raised:
        frames.feed(empty)
    assert raised.value.code == 1008


@pytest.mark.parametrize(
    ("stream", "event"),
    [
        (HELLO, Text(b"Hello")),
        (client_frame(TEXT, b""), Text(b"")),
        (client_frame(TEXT, b"*" * 125), Text(b"*" * 125)),
        (client_frame(TEXT, b"*" * 126), Text(b"*" * 126)),
        (client_frame(TEXT, b"*" * MAX_FRAME_BYTES), Text(b"*" * MAX_FRAME_BYTES)),
        (client_frame(PING, b"*" * 125), PingFrame(b"*" * 125)),
        (client_frame(PONG), PongFrame(b"")),
    ],
)
def test_lone_frame_is_read_without_state(stream: bytes, event: object) -> None:
    assert lone_event(stream, MAX_FRAME_BYTES) == event


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        HELLO[:-1],
        HELLO + b"\x81",
        HELLO + HELLO,
        BEGUN,
        bare_frame(TEXT, b"Hello"),
        bare_frame(TEXT, b"Hello") + bytes(4),
        client_frame(TEXT, b"\xff"),
        client_frame(TEXT, b"a", flags=FIN | RSV1),
        client_frame(TEXT, b"*" * 125, form=16),
        client_frame(TEXT, b"*" * (MAX_FRAME_BYTES + 1)),
        client_frame(TEXT, b"*" * 65536),
        client_frame(PING, b"*" * 126),
        client_frame(PONG, b"*" * 126),
        client_frame(BINARY, b"a"),
        client_frame(CONTINUATION, b"a"),
        client_frame(CLOSE),
        closing(1000),
    ],
)
def test_whatever_is_not_one_plain_frame_is_left_to_the_reader(stream: bytes) -> None:
    assert lone_event(stream, MAX_FRAME_BYTES) is None


@settings(deadline=None)
@given(
    first=st.sampled_from((0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0x8A, 0xC1)),
    payload=st.binary(max_size=200) | st.text(max_size=80).map(str.encode),
    key=st.binary(min_size=4, max_size=4),
    limit=st.integers(0, 300),
)
def test_fast_path_never_differs_from_the_careful_one(
    first: int, payload: bytes, key: bytes, limit: int
) -> None:
    stream = client_frame(first & 0x0F, payload, flags=first & 0xF0, key=key)
    lone = lone_event(stream, limit)
    careful = outcome(reader(limit), [stream[:1], stream[1:]])
    assert lone is None or careful == ([lone], None)
    assert outcome(reader(limit), [stream]) == careful


@settings(deadline=None)
@given(stream=st.binary(max_size=300), data=st.data())
def test_cutting_makes_no_difference_to_any_bytes(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(stream))))
    assert outcome(reader(100), pieces(stream, cuts)) == outcome(reader(100), [stream])
