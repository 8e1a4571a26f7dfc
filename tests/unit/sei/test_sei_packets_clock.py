"""The time line of engine two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sei.packets.clock import AHEAD_US, BACK_US, StreamClock, Times

FRAME_US = 40_000


def dts(times: Times | None) -> int:
    assert times is not None
    return times.dts_us


def play(clock: StreamClock, start_us: int, *, frames: int = 25, track: int = 0) -> list[int]:
    steps = range(start_us, start_us + frames * FRAME_US, FRAME_US)
    return [dts(clock.place(track, at, at, FRAME_US)) for at in steps]


def test_the_first_packet_is_at_zero_and_the_rest_keep_their_distance() -> None:
    assert play(StreamClock(), 90_000_000, frames=3) == [0, 40_000, 80_000]


def test_another_life_follows_on_the_last_packet() -> None:
    clock = StreamClock()
    play(clock, 5_000_000, frames=2)
    clock.restart()
    assert play(clock, 77, frames=2) == [80_000, 120_000]


def test_what_came_before_the_first_packet_of_a_life_has_no_place() -> None:
    clock = StreamClock()
    play(clock, 1_000_000)
    assert clock.place(1, 999_999, None, 0) is None


def test_tracks_keep_their_distance() -> None:
    clock = StreamClock()
    play(clock, 1_000_000, frames=2)
    assert clock.place(1, 1_010_000, 1_010_000, 0) == Times(10_000, 10_000, False)


def test_jitter_moves_by_the_least_that_rises() -> None:
    clock = StreamClock()
    play(clock, 0, frames=5)
    assert clock.place(0, 100_000, 100_000, 0) == Times(160_001, 160_001, True)


def test_a_jump_is_closed_for_all_tracks_by_one_offset() -> None:
    for jump_us in (-BACK_US - 10_000_000, AHEAD_US * 2):
        clock = StreamClock()
        play(clock, 50_000_000)
        play(clock, 50_000_000, track=1)
        start_us = 50_000_000 + jump_us
        assert play(clock, start_us)[0] == 1_000_000
        # The sound is still in the old times, then jumps to a place of its own.
        assert dts(clock.place(1, 51_000_000, None, 0)) == 1_000_000
        assert dts(clock.place(1, start_us + 13_000, None, 0)) == 1_013_000


def test_a_gap_of_some_seconds_is_a_gap() -> None:
    clock = StreamClock()
    play(clock, 0)
    assert clock.place(0, 6_000_000, None, 0) == Times(6_000_000, 6_000_000, False)


def test_absurd_presentation_times_are_as_decoded() -> None:
    clock = StreamClock()
    for pts_us in (-1, 10**15, None):
        times = clock.place(0, 0, pts_us, 0)
        assert times is not None
        assert times.pts_us == times.dts_us


TIME = st.integers(-(2**63), 2**63)


@given(st.lists(st.tuples(st.integers(0, 2), TIME, st.none() | TIME, TIME, st.booleans())))
def test_whatever_comes_the_times_of_a_track_rise_and_are_never_negative(
    packets: list[tuple[int, int, int | None, int, bool]],
) -> None:
    clock = StreamClock()
    last: dict[int, int] = {}
    for track, dts_us, pts_us, duration_us, restarts in packets:
        if restarts:
            clock.restart()
        times = clock.place(track, dts_us, pts_us, duration_us)
        if times is None:
            continue
        assert times.dts_us > last.get(track, -1)
        assert times.dts_us <= times.pts_us
        last[track] = times.dts_us
    assert all(time < (len(packets) + 1) * AHEAD_US * 2 for time in last.values())
