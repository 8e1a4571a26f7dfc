"""permessage-deflate: which offers are taken, the shared frame, and the bounded inflater."""

from __future__ import annotations

import contextlib
import os
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.push.deflate import AGREED, accept_deflate, deflated_frame, inflate
from gateway.push.frames import FrameError, FrameReader, PingFrame, Text
from room.errors import InvalidArgument
from tests.unit.gateway_push.frame_samples import (
    CONTINUATION,
    FIN,
    PING,
    RSV1,
    TEXT,
    client_frame,
    fragments,
    outcome,
    pieces,
)

LIMIT = 16 * 1024
BOMB_BYTES = 200 * 1024 * 1024
FIFTEEN = f"{AGREED}; server_max_window_bits=15"


def deflated(message: bytes, level: int = 6, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    packer = zlib.compressobj(level, wbits=-15, strategy=strategy)
    return (packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(
        b"\x00\x00\xff\xff"
    )


def packed_frame(message: bytes) -> bytes:
    return client_frame(TEXT, deflated(message), flags=FIN | RSV1)


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", AGREED),
        ("permessage-deflate; client_max_window_bits", AGREED),
        ("permessage-deflate; client_max_window_bits=8", AGREED),
        ('permessage-deflate; client_max_window_bits="15"', AGREED),
        ("permessage-deflate; server_no_context_takeover", AGREED),
        ("permessage-deflate;client_no_context_takeover ;server_no_context_takeover", AGREED),
        ("permessage-deflate; server_max_window_bits=15", FIFTEEN),
        ('permessage-deflate; server_max_window_bits="15"', FIFTEEN),
        ('permessage-deflate; server_max_window_bits="1\\5"', FIFTEEN),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", AGREED),
        ("permessage-deflate; unknown, permessage-deflate; server_max_window_bits=15", FIFTEEN),
        ("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits", AGREED),
        ('mux; quota=5; name="a", permessage-deflate', AGREED),
        (", ,permessage-deflate,", AGREED),
    ],
)
def test_offer_is_taken(offer: str, answer: str) -> None:
    assert accept_deflate([offer]) == answer


@pytest.mark.parametrize(
    "offer",
    [
        "",
        " , ",
        "x-webkit-deflate-frame",
        "Permessage-Deflate2",
        "permessage-deflate; server_max_window_bits=14",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=015",
        "permessage-deflate; server_max_window_bits=+15",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=08",
        "permessage-deflate; client_max_window_bits=ten",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; unknown",
        "permessage-deflate; unknown=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=15",
    ],
)
def test_offer_is_declined(offer: str) -> None:
    assert accept_deflate([offer]) is None


def test_offers_of_several_lines_are_one_list() -> None:
    lines = ["permessage-deflate; server_max_window_bits=9", "permessage-deflate"]
    assert accept_deflate(lines) == AGREED
    assert accept_deflate([]) is None


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate;",
        "permessage-deflate; =15",
        "permessage-deflate; server_max_window_bits=",
        'permessage-deflate; server_max_window_bits="15',
        'permessage-deflate; server_max_window_bits=""',
        'permessage-deflate; server_max_window_bits="1 5"',
        "permessage deflate",
        "permessage-deflate/1",
        "; permessage-deflate",
        "permessage-deflate, (comment)",
        "perméssage-deflate",
    ],
)
def test_header_against_the_grammar_fails_the_handshake(offer: str) -> None:
    with pytest.raises(InvalidArgument):
        accept_deflate([offer])


@settings(deadline=None)
@given(st.text(alphabet='ab;=," \\\t15'))
def test_any_header_is_taken_declined_or_refused(value: str) -> None:
    with contextlib.suppress(InvalidArgument):
        assert accept_deflate([value]) is None


@pytest.mark.parametrize("message", [b"", b"Hello", "κόσμε".encode() * 1000, b"{}" * 100_000])
def test_shared_frame_is_one_compressed_text(message: bytes) -> None:
    frame = deflated_frame(message)
    start = {126: 4, 127: 10}.get(frame[1], 2)
    assert frame[0] == FIN | RSV1 | TEXT
    assert not frame.endswith(b"\x00\x00\xff\xff")
    assert inflate(frame[start:], len(message)) == message


def test_shared_frame_is_smaller_where_a_snapshot_repeats_itself() -> None:
    snapshot = b'{"seat_index":1,"user":null,"locked":false}' * 9
    assert len(deflated_frame(snapshot)) < len(snapshot) / 3


def test_frames_of_the_same_bytes_are_the_same() -> None:
    assert deflated_frame(b"Hello" * 9) == deflated_frame(b"Hello" * 9)


@pytest.mark.parametrize(
    "packed",
    [
        "f248cdc9c90700",  # RFC 7692 7.2.3.1: one block
        "000500faff48656c6c6f00",  # 7.2.3.3: no compression
        "f348cdc9c9070000",  # 7.2.3.4: BFINAL is 1
        "f248050000 00ffffcac9c90700",  # 7.2.3.5: two blocks
    ],
)
def test_examples_of_the_rfc_are_hello(packed: str) -> None:
    assert inflate(bytes.fromhex(packed), 5) == b"Hello"


def test_empty_message_is_one_zero_byte() -> None:
    assert deflated(b"") == b"\x00"
    assert inflate(b"\x00", 0) == b""


def test_window_reaches_over_a_last_block() -> None:
    """RFC 7692 7.2.1 lets any blocks follow each other, BFINAL set or not."""
    first = zlib.compressobj(wbits=-15)
    head = first.compress(b"Hello") + first.flush(zlib.Z_FINISH)
    second = zlib.compressobj(wbits=-15, zdict=b"Hello")
    tail = second.compress(b"Hello") + second.flush(zlib.Z_SYNC_FLUSH)
    assert inflate(head + tail.removesuffix(b"\x00\x00\xff\xff"), 10) == b"HelloHello"


def test_message_of_exactly_the_limit_is_inflated_and_one_byte_more_is_1009() -> None:
    assert inflate(deflated(b"*" * LIMIT), LIMIT) == b"*" * LIMIT
    with pytest.raises(FrameError) as raised:
        inflate(deflated(b"*" * (LIMIT + 1)), LIMIT)
    assert raised.value.code == 1009


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\xff",
        b"\x06",
        b"\x00\x05\x00\xfa",
        b"\x00\x05\x00\xfa\xffHel",
        deflated(b"Hello, world" * 20)[:-3],
        deflated(b"Hello") + b"\xff\xff",
        bytes.fromhex("f348cdc9c90700"),
        b"\x03\x00" * 40 + b"\x00",
        b"\x63\x00\x01",
    ],
)
def test_data_that_is_not_whole_deflate_is_1007(packed: bytes) -> None:
    with pytest.raises(FrameError) as raised:
        inflate(packed, LIMIT)
    assert raised.value.code == 1007


def test_bomb_ends_at_the_limit_with_memory_of_the_limit() -> None:
    packer = zlib.compressobj(9, wbits=-15)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(BOMB_BYTES >> 20)) + packer.flush()
    assert len(bomb) < 256 * 1024
    tracemalloc.start()
    try:
        with pytest.raises(FrameError) as raised:
            inflate(bomb, LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raised.value.code == 1009
    assert peak < 2 * len(bomb) + 8 * LIMIT + 64 * 1024


def test_bomb_of_a_client_is_refused_by_the_length_of_its_frame_already() -> None:
    reader = FrameReader(LIMIT, inflate)
    with pytest.raises(FrameError) as raised:
        reader.feed(client_frame(TEXT, bytes(200 * 1024), flags=FIN | RSV1)[:14])
    assert raised.value.code == 1009


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_inflated_or_refused(packed: bytes) -> None:
    with contextlib.suppress(FrameError):
        assert len(inflate(packed, 50)) <= 50


@pytest.mark.parametrize(("level", "strategy"), [(0, 0), (1, 0), (9, 0), (6, zlib.Z_FIXED)])
def test_what_does_not_shrink_is_taken_up_to_the_limit(level: int, strategy: int) -> None:
    text = "".join(random.Random(1).choices("πρσςτυ", k=LIMIT // 2)).encode()
    packed = deflated(text, level, strategy)
    reader = FrameReader(LIMIT, inflate)
    assert reader.feed(client_frame(TEXT, packed, flags=FIN | RSV1)) == [Text(text)]


def test_what_does_not_shrink_is_taken_in_fragments_too() -> None:
    packed = deflated(b"*" * LIMIT, level=0)
    assert len(packed) > LIMIT
    stream = b"".join(fragments([packed[:9000], packed[9000:]], flags=RSV1))
    assert outcome(FrameReader(LIMIT, inflate), [stream]) == ([Text(b"*" * LIMIT, 2)], None)


def test_compressed_message_in_fragments_has_rsv1_on_the_first_alone() -> None:
    packed = deflated(b"Hello, Hello, Hello")
    parts = fragments([packed[:3], packed[3:5], packed[5:]], flags=RSV1)
    stream = parts[0] + client_frame(PING) + parts[1] + parts[2]
    expected = [PingFrame(b""), Text(b"Hello, Hello, Hello", 3)]
    for fed in ([stream], pieces(stream, range(len(stream)))):
        assert outcome(FrameReader(LIMIT, inflate), fed) == (expected, None)


def test_rsv1_on_a_continuation_is_1002() -> None:
    packed = deflated(b"Hello")
    stream = client_frame(TEXT, packed[:3], flags=RSV1)
    stream += client_frame(CONTINUATION, packed[3:], flags=FIN | RSV1)
    assert outcome(FrameReader(LIMIT, inflate), [stream]) == ([], 1002)


def test_plain_and_compressed_messages_may_follow_each_other() -> None:
    plain = client_frame(TEXT, b"plain")
    stream = (
        packed_frame(b"one") + plain + packed_frame(b"two") + b"".join(fragments([b"pl", b"ain"]))
    )
    expected = [Text(b"one"), Text(b"plain"), Text(b"two"), Text(b"plain", 2)]
    assert outcome(FrameReader(LIMIT, inflate), [stream]) == (expected, None)


def test_inflated_text_is_checked_for_utf8() -> None:
    assert outcome(FrameReader(LIMIT, inflate), [packed_frame(b"\xed\xa0\x80")]) == ([], 1007)


def test_fragments_of_a_bomb_are_bounded_together() -> None:
    noise = os.urandom(LIMIT)
    stream = b"".join(fragments([noise, noise], flags=RSV1))
    assert outcome(FrameReader(LIMIT, inflate), [stream]) == ([], 1009)


def test_message_without_compression_has_no_room_to_spare() -> None:
    stream = client_frame(TEXT, b"*" * (LIMIT + 1))
    assert outcome(FrameReader(LIMIT, inflate), [stream]) == ([], 1009)
