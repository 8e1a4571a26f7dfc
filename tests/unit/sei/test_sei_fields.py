"""Field-coded streams (PAFF): two access units a frame, the first of a frame alone a keyframe."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from sei_flv_tags import configuration, picture, record, stream

from room.position import Position
from sei.files.verify import Verifier
from sei.flv.rewriter import FlvRewriter
from sei.insertion.cadence import REPEAT_INTERVAL_MS
from sei.insertion.rewrite import Rewriter
from sei.probe.flv import FlvPictures
from sei.probe.judge import Expected, Judge, Picture
from sei.wire.framing import Framing
from sei.wire.message import find_messages, remove_messages
from sei.wire.payload import encode

FRAME_MS = 40
FRAMES = 250
GOP = 50
LENGTHS, START_CODES = Framing("h264", 4), Framing("h264")
SPACINGS = {"the frame's time": 0, "half a frame apart": FRAME_MS // 2}
STATE = encode("demo", Position(9, 1), 1000, b'{"state":"any"}')
PIECES = encode("demo", Position(9, 1), 1000, b'{"state":"any"}' * 40, max_message_bytes=300)


class Unit(NamedTuple):
    """An access unit."""

    time_ms: int
    is_keyframe: bool
    content: bytes


def fields(framing: Framing, spacing_ms: int, slices: int = 2) -> Iterator[Unit]:
    """Give frames of two fields: an IDR field and a P field, then P fields, some slices each."""
    for frame in range(FRAMES):
        is_key = frame % GOP == 0
        for field in range(2):
            is_idr = is_key and field == 0
            start = framing.frame(b"\x09\x10") if field == 0 else b""
            header = b"\x65" if is_idr else b"\x41"
            units = [header + b"slice %d %d %d" % (frame, field, n) for n in range(slices)]
            content = start + b"".join(map(framing.frame, units))
            yield Unit(frame * FRAME_MS + field * spacing_ms, is_idr, content)


def frames(framing: Framing) -> Iterator[Unit]:
    """Give the same as whole frames."""
    units = fields(framing, 0)
    for first, second in zip(units, units, strict=True):
        yield first._replace(content=first.content + second.content)


def rewritten(
    units: Iterator[Unit], framing: Framing, messages: tuple[bytes, ...] = STATE
) -> list[tuple[Unit, bytes]]:
    extradata = b"" if framing.length_bytes is None else record(framing)
    rewriter = Rewriter("h264", extradata)
    return [
        (
            unit,
            rewriter.rewrite(
                unit.content,
                dts_ms=unit.time_ms,
                is_keyframe=unit.is_keyframe,
                messages=messages,
            ).packet,
        )
        for unit in units
    ]


@pytest.mark.parametrize("spacing_ms", SPACINGS.values(), ids=SPACINGS)
@pytest.mark.parametrize("framing", [LENGTHS, START_CODES], ids=["lengths", "start codes"])
def test_what_goes_into_fields_is_found_and_comes_out_again(
    framing: Framing, spacing_ms: int
) -> None:
    done = rewritten(fields(framing, spacing_ms), framing)
    carrying = [unit for unit, packet in done if packet != unit.content]
    for unit, packet in done:
        found = find_messages(packet, framing)
        assert found == ([STATE[0]] if unit in carrying else [])
        assert remove_messages(packet, framing) == (unit.content, len(found))
    assert all(unit in carrying for unit, _ in done if unit.is_keyframe)


@pytest.mark.parametrize("spacing_ms", SPACINGS.values(), ids=SPACINGS)
@pytest.mark.parametrize("messages", [STATE, PIECES], ids=["one message", "pieces"])
def test_the_cadence_of_fields_is_that_of_time(
    spacing_ms: int, messages: tuple[bytes, ...]
) -> None:
    done = rewritten(fields(LENGTHS, spacing_ms), LENGTHS, messages)
    whole = rewritten(frames(LENGTHS), LENGTHS, messages)
    times_ms, expected_ms = (
        [unit.time_ms for unit, packet in which if packet != unit.content]
        for which in (done, whole)
    )
    assert len(times_ms) == len(expected_ms)  # not twice as many
    gaps_ms = [later - first for first, later in itertools.pairwise(times_ms)]
    assert max(gaps_ms) <= REPEAT_INTERVAL_MS + FRAME_MS


@pytest.mark.parametrize("spacing_ms", SPACINGS.values(), ids=SPACINGS)
def test_the_tag_rewriter_does_the_same_with_fields(spacing_ms: int) -> None:
    units = list(fields(LENGTHS, spacing_ms))
    tags = [picture(u.time_ms, u.content, keyframe=u.is_keyframe) for u in units]
    content = stream(configuration(LENGTHS), *tags)
    made = FlvRewriter(lambda _ms: STATE).rewrite(content)
    seen = FlvPictures().feed(made)
    expected = rewritten(iter(units), LENGTHS)
    assert [p.bodies for p in seen] == [find_messages(packet, LENGTHS) for _, packet in expected]
    assert FlvRewriter(lambda _ms: ()).rewrite(made) == content


@pytest.mark.parametrize("spacing_ms", SPACINGS.values(), ids=SPACINGS)
def test_fields_are_judged_whole(spacing_ms: int) -> None:
    verifier, judge = Verifier("demo", max_gap_s=0.6), Judge("demo")
    for unit, packet in rewritten(fields(START_CODES, spacing_ms), START_CODES, PIECES):
        bodies = find_messages(packet, START_CODES)
        for see in (verifier.see, judge.see):
            see(Picture(unit.time_ms, unit.is_keyframe, bodies))
    assert verifier.report().faults == ()
    assert judge.report(Expected(len(PIECES))).verdict == "whole"
