from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_strategies import framings, insert, packets

from sei.errors import BadMedia
from sei.insertion.cadence import Cadence
from sei.insertion.rewrite import Rewriter
from sei.wire.framing import Framing
from sei.wire.message import find_messages, message_unit, remove_messages
from sei.wire.nal import insert_offset, splice, walk

H264 = Framing("h264", 4)
PICTURE = H264.frame(b"\x65idr")
STATE = (b"state",)
AVCC = {
    4: b"\x01\x42\xe0\x1e\xff\xe1\x00\x04\x67sps\x01\x00\x04\x68pps",
    2: b"\x01\x42\xe0\x1e\xfd\xe1\x00\x04\x67new\x01\x00\x04\x68new",
    1: b"\x01\x42\xe0\x1e\xfc\xe0\x00",
}


def configuration(framing: Framing) -> bytes:
    """Write the least decoder configuration record that says how long lengths are."""
    if framing.length_bytes is None:
        return b""
    size = bytes((framing.length_bytes - 1,))
    return (
        b"\x01\x00\x00\x00" + size + b"\x00\x00"
        if framing.codec == "h264"
        else (b"\x01" + bytes(20) + size + b"\x00")
    )


@given(st.data(), framings)
def test_a_forged_message_is_replaced_by_ours(data: st.DataObject, framing: Framing) -> None:
    packet = data.draw(packets(framing))
    forged = insert(packet, framing, [message_unit(b"forged", framing.codec)])
    done = Rewriter(framing.codec, configuration(framing)).rewrite(
        forged, dts_ms=0, is_keyframe=True, messages=STATE
    )
    assert find_messages(done.packet, framing) == [b"state"]
    assert (done.injected, done.removed) == (1, 1)
    assert remove_messages(done.packet, framing)[0] == packet


def test_without_a_state_forged_messages_go_all_the_same() -> None:
    forged = H264.frame(message_unit(b"forged", "h264")) + PICTURE
    done = Rewriter("h264", AVCC[4]).rewrite(forged, dts_ms=0, is_keyframe=True, messages=())
    assert done == (PICTURE, 0, 1)


def test_a_packet_without_a_picture_does_not_use_up_a_repeat() -> None:
    rewriter = Rewriter("h264", AVCC[4])
    delimiter = H264.frame(b"\x09\xf0")
    said = [
        rewriter.rewrite(packet, dts_ms=n, is_keyframe=False, messages=STATE).injected
        for n, packet in enumerate([delimiter, PICTURE, delimiter, PICTURE, PICTURE, PICTURE])
    ]
    assert said == [0, 1, 0, 1, 1, 0]


def test_in_band_parameter_sets_stand_before_our_message_on_keyframes_only() -> None:
    rewriter = Rewriter("h264", AVCC[4], in_band=True)
    key = rewriter.rewrite(PICTURE, dts_ms=0, is_keyframe=True, messages=STATE).packet
    assert [span.kind for span in walk(key, Framing("h264"))] == [7, 8, 6, 5]
    other = rewriter.rewrite(PICTURE, dts_ms=40, is_keyframe=False, messages=STATE).packet
    assert [span.kind for span in walk(other, Framing("h264"))] == [6, 5]


def test_a_stream_that_is_in_band_already_keeps_its_form() -> None:
    packet = b"\x00\x00\x01\x65idr"
    rewriter = Rewriter("h264", b"", in_band=True)
    done = rewriter.rewrite(packet, dts_ms=0, is_keyframe=True, messages=())
    assert done == (packet, 0, 0)


def test_a_new_configuration_changes_lengths_and_parameter_sets() -> None:
    rewriter = Rewriter("h264", AVCC[4], in_band=True)
    rewriter.reconfigure(AVCC[2])
    packet = Framing("h264", 2).frame(b"\x65i")
    done = rewriter.rewrite(packet, dts_ms=0, is_keyframe=True, messages=())
    start_codes = Framing("h264")
    assert done.packet == b"".join(map(start_codes.frame, (b"\x67new", b"\x68new", b"\x65i")))


def test_h264_that_keeps_its_lengths_gets_parameter_sets_all_the_same() -> None:
    rewriter = Rewriter("h264", AVCC[4], in_band=True, keeps_lengths=True)
    key = rewriter.rewrite(PICTURE, dts_ms=0, is_keyframe=True, messages=STATE).packet
    assert [span.kind for span in walk(key, H264)] == [7, 8, 6, 5]
    assert rewriter.rewrite(PICTURE, dts_ms=40, is_keyframe=False, messages=()).packet is PICTURE


@pytest.mark.parametrize("rest", [b"", b"\x00\x00\x00\xff\x41cut"])
def test_what_does_not_parse_is_left_out_where_lengths_are_kept_for_a_muxer(rest: bytes) -> None:
    rewriter = Rewriter("h264", AVCC[4], in_band=True, keeps_lengths=True)
    packet = H264.frame(b"\x0b") + PICTURE + rest
    done = rewriter.rewrite(packet, dts_ms=0, is_keyframe=False, messages=())
    assert done.packet == PICTURE


def test_of_what_does_not_parse_at_all_nothing_is_written() -> None:
    rewriter = Rewriter("h264", AVCC[4], in_band=True, keeps_lengths=True)
    done = rewriter.rewrite(b"\xff\xff\xff\xffno", dts_ms=0, is_keyframe=False, messages=STATE)
    assert done == (b"", 0, 0)


@given(st.data(), framings)
def test_the_quick_look_changes_nothing_of_what_is_done(
    data: st.DataObject, framing: Framing
) -> None:
    packet = data.draw(packets(framing))
    rewriter = Rewriter(framing.codec, configuration(framing))
    done = rewriter.rewrite(packet, dts_ms=0, is_keyframe=True, messages=STATE)
    at = insert_offset(packet, framing)
    if at is None:
        assert done == (packet, 0, 0)
    else:
        unit = message_unit(b"state", framing.codec)
        assert done == (splice(packet, at, framing, [unit]), 1, 0)


def test_out_of_band_no_parameter_sets_are_added() -> None:
    rewriter = Rewriter("h264", AVCC[4])
    done = rewriter.rewrite(PICTURE, dts_ms=0, is_keyframe=True, messages=())
    assert done.packet is PICTURE


def test_lengths_too_short_for_a_message_are_an_error() -> None:
    packet = Framing("h264", 1).frame(b"\x65i")
    with pytest.raises(BadMedia):
        Rewriter("h264", AVCC[1]).rewrite(
            packet, dts_ms=0, is_keyframe=True, messages=(bytes(300),)
        )


class Restless(Cadence):
    """The schedule as it is, but for the shortcut: something may always be due."""

    def is_due(self, dts_ms: float, is_keyframe: bool, messages: Sequence[bytes]) -> bool:
        return True


@given(st.data(), framings, st.booleans(), st.booleans())
def test_the_shortcut_where_nothing_is_due_changes_nothing_of_what_is_done(
    data: st.DataObject, framing: Framing, in_band: bool, keeps_lengths: bool
) -> None:
    quick, slow = (
        Rewriter(
            framing.codec,
            configuration(framing),
            in_band=in_band,
            keeps_lengths=keeps_lengths,
            cadence=cadence,
        )
        for cadence in (Cadence(), Restless())
    )
    for number in range(20):
        packet = data.draw(st.one_of(packets(framing), st.binary(max_size=40)))
        if data.draw(st.booleans()):
            packet = insert(packet, framing, [message_unit(b"forged", framing.codec)])
        is_keyframe, messages = data.draw(st.booleans()), data.draw(st.sampled_from([(), STATE]))
        both = [
            rewriter.rewrite(packet, dts_ms=number * 40, is_keyframe=is_keyframe, messages=messages)
            for rewriter in (quick, slow)
        ]
        assert both[0] == both[1]
