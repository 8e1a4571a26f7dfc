from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_strategies import any_bytes, foreign_message, framings, our_message, packets

from sei.wire.framing import Framing
from sei.wire.message import UUID_BYTES, find_messages, message_unit, remove_messages
from sei.wire.nal import escape, insert_offset, splice

SEI_HEADERS = {"h264": [b"\x06"], "hevc": [b"\x4e\x01", b"\x50\x01"]}
H264 = Framing("h264", 4)


def test_the_uuid_has_no_byte_that_a_player_would_print_short() -> None:
    assert len(UUID_BYTES) == 16
    assert min(UUID_BYTES) >= 0x10


def test_a_message_is_laid_out_as_the_standard_says() -> None:
    unit = message_unit(b"text", "h264")
    assert unit == b"\x06\x05\x14" + UUID_BYTES + b"text\x80"
    assert message_unit(b"text", "hevc") == b"\x4e\x01" + unit[1:]


@pytest.mark.parametrize("size", [0, 238, 239, 240, 494, 3984])
def test_sizes_are_coded_in_steps_of_255(size: int) -> None:
    body = b"x" * size
    unit = message_unit(body, "h264")
    coded = (16 + size) // 255 * b"\xff" + bytes(((16 + size) % 255,))
    assert unit[2 : 2 + len(coded)] == coded
    assert find_messages(H264.frame(unit), H264) == [body]


@given(st.data(), framings)
def test_a_shared_unit_loses_only_our_message(data: st.DataObject, framing: Framing) -> None:
    sei_header = data.draw(st.sampled_from(SEI_HEADERS[framing.codec]))
    payloads = st.binary(max_size=30).filter(lambda payload: UUID_BYTES not in payload)
    before = foreign_message(1, data.draw(payloads))
    after = foreign_message(4, data.draw(payloads))
    ours = data.draw(st.lists(any_bytes, min_size=1, max_size=3))
    packet = data.draw(packets(framing))
    at = insert_offset(packet, framing)
    assert at is not None

    def with_unit(*messages: bytes) -> bytes:
        unit = sei_header + escape(b"".join(messages) + b"\x80")
        return splice(packet, at, framing, [unit])

    shared = with_unit(before, *map(our_message, ours), after)
    assert find_messages(shared, framing) == ours
    assert remove_messages(shared, framing) == (with_unit(before, after), len(ours))


def test_messages_of_others_are_not_ours() -> None:
    other_uuid = foreign_message(5, bytes(range(16, 32)) + b"x264")
    other_type = foreign_message(100, UUID_BYTES + b"body")
    packet = H264.frame(b"\x06" + other_uuid + other_type + b"\x80") + H264.frame(b"\x65idr")
    assert find_messages(packet, H264) == []
    assert remove_messages(packet, H264) == (packet, 0)


def test_our_uuid_outside_an_sei_is_a_picture() -> None:
    packet = H264.frame(b"\x65" + our_message(b"body"))
    assert remove_messages(packet, H264) == (packet, 0)


@pytest.mark.parametrize(
    "payload",
    [
        our_message(b"body")[:-2],
        b"\x05" + b"\xff" * 9,
        b"\xff" * 30,
        b"\x05\xfe" + UUID_BYTES,
        b"\x05",
    ],
)
def test_a_broken_sei_is_passed_on_untouched(payload: bytes) -> None:
    packet = H264.frame(b"\x06" + payload + UUID_BYTES[:1]) + H264.frame(b"\x65" + UUID_BYTES)
    assert find_messages(packet, H264) == []
    assert remove_messages(packet, H264) == (packet, 0)


@pytest.mark.parametrize("trailing", [b"", b"\x80", b"\x80\x00\x00"])
def test_a_forged_message_is_taken_out_whatever_its_trailing_bits(trailing: bytes) -> None:
    forged = H264.frame(b"\x06" + our_message(b"body\x80") + trailing)
    picture = H264.frame(b"\x65idr")
    assert remove_messages(forged + picture, H264) == (picture, 1)


def test_a_message_behind_the_picture_is_found_too() -> None:
    framing = Framing("hevc", 4)
    picture = framing.frame(b"\x26\x01idr")
    suffix = framing.frame(b"\x50\x01" + our_message(b"late") + b"\x80")
    assert find_messages(picture + suffix, framing) == [b"late"]
    assert remove_messages(picture + suffix, framing) == (picture, 1)


@given(st.data(), framings, st.binary(max_size=200))
def test_any_bytes_around_our_uuid_are_survived(
    data: st.DataObject, framing: Framing, noise: bytes
) -> None:
    packet = data.draw(packets(framing, with_vcl=False)) + noise + UUID_BYTES + noise
    stripped, removed = remove_messages(packet, framing)
    assert len(find_messages(packet, framing)) == removed
    assert (stripped == packet) == (removed == 0)
