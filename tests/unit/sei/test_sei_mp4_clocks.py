from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sei.mp4.clocks import PictureClock, SoundClock, Unwrapped

STEPS = st.lists(st.integers(0, 2000), min_size=1, max_size=60)


def times(steps: list[int]) -> list[int]:
    return [sum(steps[: n + 1]) for n in range(len(steps))]


@given(STEPS)
def test_a_picture_is_at_most_two_stated_durations_after_the_last_or_a_long_hole(
    steps: list[int],
) -> None:
    clock = PictureClock()
    at = times(steps)
    placed = [clock.place(ms) for ms in at]
    for true_ms, (before, after) in zip(at[1:], pairwise(placed), strict=True):
        step = after.decoded - before.decoded
        is_long = after.decoded == true_ms and step > 3000
        assert 0 <= step <= 2 * before.duration or is_long


@given(st.lists(st.integers(0, 90), min_size=1, max_size=60))
def test_a_picture_is_never_decoded_later_than_it_should_be(steps: list[int]) -> None:
    clock = PictureClock()
    assert all(clock.place(at).decoded <= at for at in times(steps))


def test_an_even_stream_keeps_its_times() -> None:
    clock = PictureClock()
    at = [n * 1000 // 30 for n in range(300)]
    placed = [clock.place(ms) for ms in at]
    assert [one.decoded for one in placed] == at
    assert {one.duration for one in placed[10:]} <= {33, 34}


def test_pictures_in_pairs_keep_their_times() -> None:
    clock = PictureClock()
    at = [n // 2 * 40 for n in range(100)]
    assert [clock.place(ms).decoded for ms in at] == at


def test_a_stream_of_one_picture_a_second_is_not_held_back_for_good() -> None:
    clock = PictureClock()
    lags = [at - clock.place(at).decoded for at in range(0, 60_000, 1000)]
    assert max(lags) < 3000
    assert len(set(lags[-30:])) == 1


def test_after_a_pause_the_decode_time_catches_up() -> None:
    clock = PictureClock()
    at = [*range(0, 400, 40), *range(1200, 2400, 40)]
    placed = [clock.place(ms).decoded for ms in at]
    assert placed[10] < 1200
    assert placed[-1] == at[-1]


def test_after_a_long_hole_the_time_is_taken_as_it_is() -> None:
    clock = PictureClock()
    clock.place(0)
    assert clock.place(60_000).decoded == 60_000


def test_sound_lies_end_to_end_though_its_times_are_rounded() -> None:
    clock = SoundClock(44_100, 1024)
    placed = [clock.place(n * 1024 * 1000 // 44_100).decoded for n in range(10_000)]
    assert all(1022 <= b - a <= 1026 for a, b in pairwise(placed))
    assert all(abs(at - n * 1024) <= 64 for n, at in enumerate(placed))


def test_sound_of_a_source_whose_clock_drifts_is_followed() -> None:
    clock = SoundClock(48_000, 1024)
    at = [int(n * 1024 / 48 * 1.001) for n in range(20_000)]
    placed = [clock.place(ms).decoded for ms in at]
    assert all(0 < b - a < 2 * 1024 for a, b in pairwise(placed))
    assert abs(placed[-1] - at[-1] * 48) < 1024


def test_a_hole_in_the_sound_stays_one() -> None:
    clock = SoundClock(48_000, 1024)
    clock.place(0)
    assert clock.place(1000).decoded == 48_000


def test_sound_that_steps_back_goes_on_and_is_reached_again() -> None:
    clock = SoundClock(48_000, 1024)
    placed = [clock.place(1000).decoded]
    placed += [clock.place(n * 64 // 3).decoded for n in range(40, 4000)]
    assert all(b > a for a, b in pairwise(placed))
    assert abs(placed[-1] - 3999 * 64 // 3 * 48) < 1024


def test_times_go_on_over_the_wrap_and_may_step_back_a_little() -> None:
    times_ms = Unwrapped()
    wrap = 1 << 32
    given_ms = [wrap - 50, wrap - 10, 30, wrap - 5, 70]
    assert [times_ms.place(ms) for ms in given_ms] == [
        wrap - 50,
        wrap - 10,
        wrap + 30,
        wrap - 5,
        wrap + 70,
    ]


def test_a_time_never_falls_below_zero() -> None:
    times_ms = Unwrapped()
    assert [times_ms.place(ms) for ms in (5, (1 << 32) - 5)] == [5, 0]


@given(st.lists(st.integers(-(2**33), 2**33), min_size=2, max_size=8))
def test_whatever_the_times_what_is_written_fits(steps: list[int]) -> None:
    pictures, sound, true_ms = PictureClock(), SoundClock(48_000, 1024), 2**40
    for step in steps:
        true_ms = max(true_ms + step, 0)
        assert abs(pictures.place(true_ms).decoded - true_ms) <= 3000
        placed = sound.place(true_ms)
        assert abs(placed.decoded - 48 * true_ms) <= 3 * 48_000 + 1024
        assert placed.decoded >= 0
