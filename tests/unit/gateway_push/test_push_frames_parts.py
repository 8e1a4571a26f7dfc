"""A piece of the socket that holds much more than its bytes is read in parts."""

from __future__ import annotations

import zlib

import pytest

from gateway.push.deflate import inflate
from gateway.push.frames import Event, FrameError, FrameReader, PingFrame, Text
from gateway.push.frames_read import MAX_EVENTS, MAX_TOLD_BYTES
from tests.unit.gateway_push.frame_samples import FIN, PING, RSV1, TEXT, client_frame

LIMIT = 16 * 1024


def deflated(payload: bytes) -> bytes:
    """Give a client's compressed message."""
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)
    return client_frame(TEXT, packed.removesuffix(b"\x00\x00\xff\xff"), flags=FIN | RSV1)


def parts_of(reader: FrameReader, piece: bytes) -> list[list[Event]]:
    """Feed one piece, and read on for as long as there is more of it."""
    parts = [reader.feed(piece)]
    while reader.has_more:
        parts.append(reader.feed(b""))
    return parts


def test_many_frames_in_one_piece_are_read_in_parts() -> None:
    reader = FrameReader(LIMIT)
    sent = [b"%d" % number for number in range(10 * MAX_EVENTS + 1)]
    parts = parts_of(reader, b"".join(client_frame(PING, payload) for payload in sent))
    assert max(map(len, parts)) == MAX_EVENTS
    assert [event for part in parts for event in part] == [PingFrame(one) for one in sent]
    assert reader.is_idle


def test_few_bytes_that_inflate_to_many_are_read_in_parts() -> None:
    """The rest waits as it came."""
    reader, piece = FrameReader(LIMIT, inflate), deflated(b"x" * LIMIT) * 100
    parts = parts_of(reader, piece)
    told = [sum(len(event.payload) for event in part if isinstance(event, Text)) for part in parts]
    assert max(told) < MAX_TOLD_BYTES + LIMIT
    assert sum(told) == 100 * LIMIT


def test_what_comes_later_is_read_behind_what_waits() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(client_frame(PING, b"a") * (MAX_EVENTS + 1))
    assert reader.has_more
    assert reader.feed(client_frame(PING, b"b")) == [PingFrame(b"a"), PingFrame(b"b")]
    assert not reader.has_more


def test_half_a_frame_at_the_end_is_no_more_to_read() -> None:
    reader, frame = FrameReader(LIMIT), client_frame(PING, b"a")
    parts = parts_of(reader, frame * (MAX_EVENTS + 1) + frame[:3])
    assert [len(part) for part in parts] == [MAX_EVENTS, 1]
    assert (reader.held_bytes, reader.is_idle) == (3, False)
    assert reader.feed(frame[3:]) == [PingFrame(b"a")]


def test_violation_is_found_when_it_is_its_turn() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(client_frame(PING) * MAX_EVENTS + client_frame(0x3))
    assert (reader.has_more, reader.error) == (True, None)
    with pytest.raises(FrameError):
        reader.feed(b"")
