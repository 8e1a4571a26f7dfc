from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_strategies import any_bytes, framings, insert, nal, packets

from sei.wire.framing import Framing
from sei.wire.message import find_messages, message_unit, remove_messages
from sei.wire.nal import (
    escape,
    insert_offset,
    insert_parameter_sets,
    is_vcl,
    unescape,
    walk,
)

BODY = b"SS1 any text"


def escape_by_byte(rbsp: bytes) -> bytes:
    out = bytearray()
    zeros = 0
    for byte in rbsp:
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def unescape_by_byte(payload: bytes) -> bytes:
    out = bytearray()
    zeros = 0
    for byte in payload:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


@given(any_bytes)
def test_escaping_equals_a_plain_byte_loop(rbsp: bytes) -> None:
    assert escape(rbsp + b"\x80") == escape_by_byte(rbsp + b"\x80")


def test_escaping_equals_a_plain_byte_loop_on_every_short_string() -> None:
    for size in range(8):
        for symbols in itertools.product((0, 1, 3, 4), repeat=size):
            rbsp = bytes(symbols) + b"\x80"
            assert escape(rbsp) == escape_by_byte(rbsp)
            assert unescape(escape(rbsp)) == rbsp


@given(any_bytes)
def test_unescaping_is_the_inverse_and_equals_a_plain_byte_loop(rbsp: bytes) -> None:
    escaped = escape(rbsp + b"\x80")
    assert unescape(escaped) == rbsp + b"\x80"
    assert unescape(rbsp) == unescape_by_byte(rbsp)


@given(any_bytes)
def test_an_escaped_unit_never_shows_a_start_code(rbsp: bytes) -> None:
    assert b"\x00\x00\x01" not in escape(rbsp + b"\x80")


@given(st.data(), framings)
def test_walking_gives_every_unit_that_was_framed(data: st.DataObject, framing: Framing) -> None:
    packet = data.draw(packets(framing))
    spans = list(walk(packet, framing))
    assert spans[0].prefix == 0
    assert [span.end for span in spans[:-1]] == [span.prefix for span in spans[1:]]
    assert spans[-1].end == len(packet)


@given(st.data(), framings)
def test_walking_any_bytes_ends_inside_the_packet(data: st.DataObject, framing: Framing) -> None:
    packet = data.draw(any_bytes)
    for span in walk(packet, framing):
        assert 0 <= span.prefix < span.start < span.end <= len(packet)


@given(st.data(), framings)
def test_stripping_what_was_inserted_gives_the_packet_back(
    data: st.DataObject, framing: Framing
) -> None:
    packet = data.draw(packets(framing))
    body = data.draw(any_bytes)
    injected = insert(packet, framing, [message_unit(body, framing.codec)])
    assert injected != packet
    assert find_messages(injected, framing) == [body]
    assert remove_messages(injected, framing) == (packet, 1)


@given(st.data(), framings)
def test_ours_stands_directly_before_the_first_vcl_unit(
    data: st.DataObject, framing: Framing
) -> None:
    packet = data.draw(packets(framing))
    at = insert_offset(packet, framing)
    injected = insert(packet, framing, [message_unit(BODY, framing.codec)])
    spans = list(walk(injected, framing))
    ours = next(index for index, span in enumerate(spans) if span.prefix == at)
    assert is_vcl(spans[ours + 1], framing.codec)
    assert not any(is_vcl(span, framing.codec) for span in spans[:ours])


@given(st.data(), framings)
def test_a_packet_without_a_picture_is_left_alone(data: st.DataObject, framing: Framing) -> None:
    prefix_sei = 6 if framing.codec == "h264" else 39
    unit = nal(framing.codec, prefix_sei, data.draw(any_bytes))
    packet = framing.frame(unit)
    assert insert(packet, framing, [message_unit(BODY, framing.codec)]) == packet


@pytest.mark.parametrize("length_bytes", [1, 2, 3, 4])
def test_lengths_of_every_size_are_read(length_bytes: int) -> None:
    framing = Framing("h264", length_bytes)
    packet = framing.frame(b"\x67sps") + framing.frame(b"\x65idr")
    assert [span.kind for span in walk(packet, framing)] == [7, 5]


def test_a_unit_too_long_for_its_prefix_is_an_overflow() -> None:
    framing = Framing("h264", 1)
    with pytest.raises(OverflowError):
        insert(framing.frame(b"\x65idr"), framing, [bytes(256)])


def test_a_walk_ends_at_a_length_that_leaves_the_packet() -> None:
    framing = Framing("h264", 4)
    whole = framing.frame(b"\x09\xf0")
    assert len(list(walk(whole + b"\x00\x00\x00\x09\x65", framing))) == 1


@pytest.mark.parametrize("kind", [14, 20, 21])
def test_extension_units_count_as_part_of_the_picture(kind: int) -> None:
    framing = Framing("h264", 4)
    packet = framing.frame(bytes((kind, 1))) + framing.frame(b"\x65idr")
    assert insert_offset(packet, framing) == 0


def test_a_unit_without_a_header_is_no_unit() -> None:
    framing = Framing("hevc", 4)
    packet = framing.frame(b"") + framing.frame(b"\x26") + framing.frame(b"\x26\x01idr")
    assert [span.prefix for span in walk(packet, framing)] == [9]


def test_a_start_code_with_nothing_behind_it_is_no_unit() -> None:
    packet = b"\x00\x00\x01" + b"\x00\x00\x01\x65i" + b"\x00\x00\x01"
    assert [span.prefix for span in walk(packet, Framing("h264"))] == [3]


def test_trailing_zeros_before_a_start_code_stay_with_the_unit_before() -> None:
    packet = b"\x00\x00\x01\x67s" + b"\x00\x00\x00\x00\x01\x65i"
    framing = Framing("h264")
    assert [(span.prefix, span.end) for span in walk(packet, framing)] == [(0, 6), (6, 12)]
    injected = insert(packet, framing, [message_unit(BODY, "h264")])
    assert remove_messages(injected, framing)[0] == packet


def test_parameter_sets_go_before_the_first_sei() -> None:
    framing = Framing("h264", 4)
    aud, sei, idr = b"\x09\xf0", b"\x06\x01\x01\x01\x80", b"\x65idr"
    packet = b"".join(map(framing.frame, (aud, sei, idr)))
    made = insert_parameter_sets(packet, framing, (b"\x67sps", b"\x68pps"))
    assert made == b"".join(map(framing.frame, (aud, b"\x67sps", b"\x68pps", sei, idr)))


def test_parameter_sets_in_band_are_not_repeated() -> None:
    framing = Framing("h264", 4)
    packet = framing.frame(b"\x67sps") + framing.frame(b"\x65idr")
    assert insert_parameter_sets(packet, framing, (b"\x67sps", b"\x68pps")) == packet


def test_parameter_sets_need_a_picture_or_sei_to_go_before() -> None:
    framing = Framing("h264", 4)
    packet = framing.frame(b"\x09\xf0")
    assert insert_parameter_sets(packet, framing, (b"\x67sps",)) == packet
