from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sei_flv_tags import HEADER, cut, picture, sound, stream

from sei.flv.tags import write_tag
from sei.inputs.paced import TagTimes
from sei.inputs.pacer import MAX_LAG_S, Pacer


def test_what_has_a_time_is_due_at_that_time_after_the_first() -> None:
    pacer = Pacer()
    assert [pacer.due_s(n / 25, 100.0) for n in range(4)] == pytest.approx(
        [100.0, 100.04, 100.08, 100.12]
    )


def test_a_source_that_lags_a_little_catches_up() -> None:
    pacer = Pacer()
    pacer.due_s(0, 100.0)
    assert pacer.due_s(1.0, 102.0) == 101.0


def test_a_source_that_fell_far_behind_is_not_raced_after() -> None:
    pacer = Pacer()
    pacer.due_s(0, 100.0)
    late_s = 101.1 + MAX_LAG_S
    assert pacer.due_s(1.0, late_s) == late_s
    assert pacer.due_s(1.04, late_s) == pytest.approx(late_s + 0.04)


@pytest.mark.parametrize("to_s", [3600.0, -3600.0, 1e9])
def test_a_jump_is_not_waited_for(to_s: float) -> None:
    pacer = Pacer()
    pacer.due_s(0, 100.0)
    assert pacer.due_s(to_s, 100.04) == pytest.approx(100.04)
    assert pacer.due_s(to_s + 0.04, 100.04) == pytest.approx(100.08)


@given(st.integers(1, 300))
def test_flv_is_cut_into_its_tags(step: int) -> None:
    tags = [sound(0), picture(40, b""), picture(0x0123_4567), sound(0xFFFF_FFFF)]
    times = TagTimes()
    pieces = [piece for chunk in cut(stream(*tags), step) for piece in times.feed(chunk)]
    assert pieces == [(0, HEADER), *((tag.timestamp_ms, write_tag(tag)) for tag in tags)]
    assert times.end() == (0, b"")


@given(st.binary(max_size=200), st.integers(1, 50))
def test_what_is_no_flv_comes_out_as_it_went_in(noise: bytes, step: int) -> None:
    times = TagTimes()
    made = b"".join(piece.content for chunk in cut(noise, step) for piece in times.feed(chunk))
    assert made + times.end().content == noise
