from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rtmp_samples import Cutter, pieces

from sei.errors import BadRtmp
from sei.rtmp.chunks import (
    MAX_CHUNK_STREAMS,
    MAX_HELD_BYTES,
    MAX_MESSAGE_BYTES,
    ChunkReader,
    ChunkWriter,
    Message,
)
from sei.rtmp.messages import control

HEADER_BYTES = 18
EDGES = [0, 1, 40, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0x7FFFFFFF, 0xFFFFFFFF]
times = st.sampled_from(EDGES) | st.integers(0, 0xFFFFFFFF)
numbers = st.integers(2, 8) | st.sampled_from([63, 64, 319, 320, 65599])
bodies = st.binary(max_size=20) | st.integers(100, 700).map(bytes)
messages = st.builds(Message, st.sampled_from([8, 9, 18, 20]), times, st.integers(0, 2), bodies)
cuts = st.lists(st.integers(0, 1 << 20), max_size=12)


def read(stream: bytes, at: list[int] | None = None) -> list[Message]:
    reader = ChunkReader()
    found = [m for piece in pieces(stream, at or []) for m in reader.feed(piece)]
    assert reader.held_bytes == 0
    return found


@given(st.lists(st.tuples(st.integers(2, 63), messages), max_size=8), st.integers(1, 300), cuts)
def test_reader_reads_what_the_writer_writes(
    written: list[tuple[int, Message]], chunk_bytes: int, at: list[int]
) -> None:
    writer = ChunkWriter()
    stream = b"".join(writer.write(2, control(1, chunk_bytes)))
    writer.chunk_bytes = chunk_bytes
    for number, message in written:
        stream += b"".join(writer.write(number, message))
    assert read(stream, at) == [message for _, message in written]


@given(st.data(), cuts)
def test_every_form_and_any_interleaving_is_read(data: st.DataObject, at: list[int]) -> None:
    """Messages of several chunk streams at once, each in a form that is allowed for it."""
    cutter = Cutter()
    lanes: dict[int, list[Message]] = data.draw(
        st.dictionaries(numbers, st.lists(messages, min_size=1, max_size=4), max_size=4)
    )
    for lane in lanes.values():  # so that short forms come up
        lane += [lane[-1]._replace(timestamp_ms=(lane[-1].timestamp_ms + d) % 2**32)
                 for d in (40, 80)]  # fmt: skip
    under_way: dict[int, tuple[Message, list[bytes]]] = {}
    stream, expected = b"", []
    while lanes or under_way:
        number = data.draw(st.sampled_from(sorted({*lanes, *under_way})))
        if number not in under_way:
            message = lanes[number].pop(0)
            if not lanes[number]:
                del lanes[number]
            form = data.draw(st.sampled_from(cutter.forms(number, message)))
            under_way[number] = (message, cutter.cut(number, message, form))
        message, chunks = under_way[number]
        stream += chunks.pop(0)
        if not chunks:
            del under_way[number]
            expected.append(message)
    assert read(stream, at) == expected


def test_first_example_of_the_specification() -> None:
    """RTMP 1.0, 5.3.2.1: audio at 1000, 1020, 1040 and 1060 ms."""
    payload = bytes(range(32))
    stream = bytes.fromhex("03 0003e8 000020 08 39300000") + payload
    stream += bytes.fromhex("83 000014") + payload + 2 * (b"\xc3" + payload)
    assert read(stream) == [
        Message(8, time_ms, 12345, payload) for time_ms in (1000, 1020, 1040, 1060)
    ]


def test_second_example_of_the_specification() -> None:
    """RTMP 1.0, 5.3.2.2: a message of 307 bytes in three chunks."""
    payload = bytes(index % 251 for index in range(307))
    head = bytes.fromhex("04 0003e8 000133 09 3a300000")
    stream = head + payload[:128] + b"\xc4" + payload[128:256] + b"\xc4" + payload[256:]
    message = Message(9, 1000, 12346, payload)
    assert read(stream) == [message]
    assert b"".join(ChunkWriter().write(4, message)) == stream


def test_time_beyond_24_bits_stands_in_every_chunk() -> None:
    payload = bytes(130)
    head = bytes.fromhex("04 ffffff 000082 09 01000000 01000000")
    stream = head + payload[:128] + bytes.fromhex("c4 01000000") + payload[128:]
    message = Message(9, 0x01000000, 1, payload)
    assert read(stream) == [message]
    assert b"".join(ChunkWriter().write(4, message)) == stream


def test_form_3_after_form_0_takes_its_time_as_delta() -> None:
    stream = bytes.fromhex("03 00000a 000001 08 01000000 ff") + b"\xc3\xfe"
    assert [message.timestamp_ms for message in read(stream)] == [10, 20]


def test_chunk_stream_may_begin_with_form_1() -> None:
    assert read(bytes.fromhex("43 00000a 000001 08 ff")) == [Message(8, 10, 0, b"\xff")]


def test_abort_drops_what_came_of_a_message() -> None:
    cutter = Cutter()
    first, *_ = cutter.cut(5, Message(9, 0, 1, bytes(300)), 0)
    abort = b"".join(ChunkWriter().write(2, control(2, 5)))
    idle = b"".join(ChunkWriter().write(2, control(2, 77)))
    after = Message(9, 7, 1, b"whole")
    reader = ChunkReader()
    assert reader.feed(first + abort + idle) == []
    assert reader.held_bytes == 0
    assert reader.feed(cutter.cut(5, after, 0)[0]) == [after]


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        ("83 000000", "form 2"),
        ("c3", "form 3"),
        ("03 000000 000200 09 01000000" + "00" * 128 + "03 000000 000001 09 01000000", "within"),
        ("03 000000 ffffff 09 01000000", "16777215 bytes"),
        ("02 000000 000004 01 00000000 00000000", "chunk size of 0"),
        ("02 000000 000004 01 00000000 80000000", "chunk size of 2147483648"),
        ("02 000000 000003 01 00000000 000000", "control message of 3"),
        ("02 000000 000000 02 00000000", "control message of 0"),
    ],
)
def test_what_breaks_the_protocol_is_refused(stream: str, reason: str) -> None:
    with pytest.raises(BadRtmp, match=reason):
        ChunkReader().feed(bytes.fromhex(stream))


def test_number_of_chunk_streams_is_bounded() -> None:
    one = bytes.fromhex("000000 000001 08 01000000 ff")
    stream = b"".join(bytes((0, number)) + one for number in range(MAX_CHUNK_STREAMS))
    reader = ChunkReader()
    assert len(reader.feed(stream)) == MAX_CHUNK_STREAMS
    with pytest.raises(BadRtmp, match="chunk streams"):
        reader.feed(bytes((0, MAX_CHUNK_STREAMS)) + one)


def test_unfinished_messages_together_are_bounded() -> None:
    half_bytes = MAX_MESSAGE_BYTES // 2
    head = bytes(3) + MAX_MESSAGE_BYTES.to_bytes(3, "big") + b"\x09"
    first_halves = [bytes((0x40 | number,)) + head + bytes(half_bytes) for number in range(3, 9)]
    reader = ChunkReader()
    reader.feed(b"".join(ChunkWriter().write(2, control(1, half_bytes))))
    fitting = MAX_HELD_BYTES // half_bytes
    for chunk in first_halves[:fitting]:
        reader.feed(chunk)
    assert reader.held_bytes == MAX_HELD_BYTES
    with pytest.raises(BadRtmp, match="unfinished"):
        reader.feed(first_halves[fitting])


@given(st.binary(max_size=400), cuts)
def test_arbitrary_bytes_raise_nothing_else(stream: bytes, at: list[int]) -> None:
    reader = ChunkReader()
    with suppress(BadRtmp):
        for piece in pieces(stream, at):
            reader.feed(piece)
            assert reader.held_bytes <= len(stream)


@given(messages)
def test_no_more_than_a_header_is_kept_unread(message: Message) -> None:
    stream = Cutter().cut(3, message, 0)[0]
    reader = ChunkReader()
    for at in range(len(stream) - 1):
        assert reader.feed(stream[at : at + 1]) == []
        assert reader.held_bytes <= max(HEADER_BYTES, at + 1 - 12)
