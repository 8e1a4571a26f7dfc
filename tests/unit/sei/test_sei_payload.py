from __future__ import annotations

import base64
import hashlib
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_strategies import positions, texts

from room.errors import InvalidArgument
from room.position import LARGEST, Position
from sei.errors import BadPayload, TooManyChunks
from sei.wire.assembler import Assembler
from sei.wire.payload import (
    MAX_SNAPSHOT_BYTES,
    Message,
    Signature,
    StreamSnapshot,
    decode,
    encode,
    inflate,
    room_tag,
)

HERE = Position(1732146400123, 1287)
SIGNATURE = Signature("k1", "A" * 86)


def read(body: bytes) -> Message:
    message = decode(body)
    assert message is not None
    return message


def message_with(header: str, piece: bytes = b"{}", tail: str = "") -> bytes:
    crc = zlib.crc32(header.encode() + piece)
    return f"{header} {crc:08x}{tail}\n".encode() + piece


def join(messages: list[bytes]) -> StreamSnapshot | None:
    assembler = Assembler()
    joined = None
    for body in messages:
        joined = assembler.offer(read(body)) or joined
    return joined


def test_the_golden_message() -> None:
    (body,) = encode("demo", HERE, 1732150000123, b'{"seats":[]}')
    tag = base64.urlsafe_b64encode(hashlib.sha256(b"demo").digest()).decode()[:12]
    header = f"SS1 f {tag} 1732146400123 1287 1732150000123 1/1 12"
    assert body == message_with(header, b'{"seats":[]}')


def test_the_room_is_named_by_its_digest() -> None:
    assert room_tag("demo") == "KpdRbDVLaISM"
    assert re.fullmatch(r"[A-Za-z0-9_-]{12}", room_tag("demo"))
    assert room_tag("demo") != room_tag("demo2")


@given(positions, st.integers(0, LARGEST), texts, st.integers(300, 4000), st.booleans(), st.data())
def test_what_is_encoded_comes_back_in_any_order(
    position: Position, ts_ms: int, text: str, limit: int, signed: bool, data: st.DataObject
) -> None:
    body = text.encode()
    signature = SIGNATURE if signed else None
    try:
        messages = encode(
            "demo", position, ts_ms, body, max_message_bytes=limit, signature=signature
        )
    except TooManyChunks:
        assert len(body) > 16 * 50
        return
    assert all(len(message) + 16 <= limit for message in messages)
    assert all(b"\x00" not in message for message in messages)
    padded = [
        message + data.draw(st.lists(st.sampled_from([b"\x00", b"\x80"]), max_size=3).map(b"".join))
        for message in data.draw(st.permutations(messages))
    ]
    assert join(padded) == StreamSnapshot(room_tag("demo"), position, ts_ms, body, signature)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_one_error(noise: bytes) -> None:
    for body in (noise, b"SS1 " + noise):
        try:
            decode(body)
        except BadPayload:
            continue


@given(st.data())
def test_any_damage_is_refused_ignored_or_seen_by_the_crc(data: st.DataObject) -> None:
    (body,) = encode("demo", HERE, 5, b'{"a":1}')
    at = data.draw(st.integers(0, len(body) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != body[at]))
    damaged = body[:at] + bytes((byte,)) + body[at + 1 :]
    try:
        message = decode(damaged)
    except BadPayload:
        return
    assert message is None or not message.crc_holds


def test_a_small_snapshot_stays_readable_and_a_large_one_is_deflated() -> None:
    small, large = b"a" * 600, b"a" * 601
    (message,) = encode("demo", HERE, 5, small)
    assert message.endswith(b"\n" + small)
    (message,) = encode("demo", HERE, 5, large)
    assert message.startswith(b"SS1 fz ")
    assert inflate(read(message).piece) == large


def test_deflate_is_not_used_where_it_makes_it_longer() -> None:
    body = base64.b85encode(hashlib.shake_256(b"seed").digest(800))
    assert not read(encode("demo", HERE, 5, body, max_message_bytes=4000)[0]).deflated


def test_pieces_are_numbered_and_the_signature_stands_on_the_first() -> None:
    body = base64.b85encode(hashlib.shake_256(b"seed").digest(1600))
    messages = [read(m) for m in encode("demo", HERE, 5, body, signature=SIGNATURE)]
    assert [(m.index, m.count) for m in messages] == [(1, 3), (2, 3), (3, 3)]
    assert [m.signature for m in messages] == [SIGNATURE, None, None]


def test_sixteen_pieces_are_the_most() -> None:
    noise = base64.b85encode(hashlib.shake_256(b"seed").digest(40_000))
    assert len(encode("demo", HERE, 5, noise[:14_000])) == 16
    with pytest.raises(TooManyChunks):
        encode("demo", HERE, 5, noise[:16_000])


def test_a_snapshot_that_no_reader_would_inflate_is_refused() -> None:
    with pytest.raises(TooManyChunks):
        encode("demo", HERE, 5, b"a" * (MAX_SNAPSHOT_BYTES + 1))


@pytest.mark.parametrize("limit", [299, 4001])
def test_the_message_limit_has_its_own_limits(limit: int) -> None:
    with pytest.raises(InvalidArgument):
        encode("demo", HERE, 5, b"{}", max_message_bytes=limit)


def test_a_nul_would_end_the_text_in_some_readers() -> None:
    with pytest.raises(InvalidArgument):
        encode("demo", HERE, 5, b"a\x00b")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"SS2 f demo",
        b"x264 - core 164",
        message_with("SS1 fx AAAAAAAAAAAA 1 2 3 1/1 2"),
        message_with("SS1 z AAAAAAAAAAAA 1 2 3 1/1 2"),
        message_with("SS1 fzz AAAAAAAAAAAA 1 2 3 1/1 2"),
    ],
)
def test_another_format_or_a_reserved_flag_is_ignored(body: bytes) -> None:
    assert decode(body) is None


@pytest.mark.parametrize(
    ("header", "tail"),
    [
        ("SS1 f AAAAAAAAAAA 1 2 3 1/1 2", ""),
        ("SS1 f AAAAAAAAAAAA 01 2 3 1/1 2", ""),
        (f"SS1 f AAAAAAAAAAAA {2**53} 2 3 1/1 2", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 2/1 2", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 0/1 2", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 1/17 2", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 1/1 3", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 1/1 9999", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 1/1 +2", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 2/2 2", " k1:sig"),
        ("SS1 f AAAAAAAAAAAA 1 2 3 1/1 2", " k1"),
        ("SS1 f AAAAAAAAAAAA 1 2 3 1/1", ""),
        ("SS1 f AAAAAAAAAAAA 1 2 3 1/1 2", "x" * 400),
    ],
)
def test_a_malformed_message_is_refused(header: str, tail: str) -> None:
    with pytest.raises(BadPayload):
        decode(message_with(header, tail=tail))


def test_a_message_without_end_of_header_is_refused() -> None:
    with pytest.raises(BadPayload):
        decode(b"SS1 f AAAAAAAAAAAA 1 2 3 1/1 0 00000000")


def deflated(body: bytes) -> bytes:
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.urlsafe_b64encode(packed.compress(body) + packed.flush()).rstrip(b"=")


@pytest.mark.parametrize(
    "text",
    [
        deflated(b"a" * (MAX_SNAPSHOT_BYTES + 1)),
        deflated(b"some text")[:-4],
        b"not base64!",
        b"A",
        base64.urlsafe_b64encode(b"\xff\xff\xff\xff").rstrip(b"="),
    ],
    ids=["bomb", "cut", "alphabet", "length", "not deflate"],
)
def test_data_that_cannot_be_inflated_is_refused(text: bytes) -> None:
    with pytest.raises(BadPayload):
        inflate(text)


def test_a_snapshot_of_the_largest_size_is_inflated() -> None:
    body = b"a" * MAX_SNAPSHOT_BYTES
    assert inflate(deflated(body)) == body
