from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sei.flv.clock import MAX_AHEAD_MS, MAX_SLIP_MS, STEP_MS, TagClock
from sei.flv.tags import AUDIO, SCRIPT, VIDEO

WRAP = 1 << 32
kinds = st.sampled_from([AUDIO, VIDEO])


def place(clock: TagClock, *times_ms: int, kind: int = VIDEO) -> list[int]:
    return [clock.place(kind, time_ms) for time_ms in times_ms]


def test_sound_times_are_left_alone() -> None:
    clock = TagClock()
    assert place(clock, 5_000_000, 5_000_040, 5_003_000) == [5_000_000, 5_000_040, 5_003_000]
    assert place(clock, 5_002_000, 5_003_020, kind=AUDIO) == [5_002_000, 5_003_020]
    assert clock.repaired == 0


def test_configurations_at_time_0_move_nothing() -> None:
    clock = TagClock()
    assert clock.place(SCRIPT, 0, is_configuration=True) == 0
    assert clock.place(VIDEO, 0, is_configuration=True) == 0
    assert place(clock, 5_000_000) == [5_000_000]
    assert clock.place(VIDEO, 0, is_configuration=True) == 5_000_000
    assert clock.place(SCRIPT, 0, is_configuration=True) == 0
    assert place(clock, 5_000_040) == [5_000_040]
    assert clock.repaired == 0


@pytest.mark.parametrize("to_ms", [0, 1, 50_000, 100_000 + MAX_AHEAD_MS + 1, 1 << 31, WRAP - 1])
def test_a_jump_is_joined(to_ms: int) -> None:
    clock = TagClock()
    assert place(clock, 100_000, to_ms, (to_ms + 40) % WRAP) == [
        100_000,
        100_000 + STEP_MS,
        100_040 + STEP_MS,
    ]
    assert clock.repaired == 1


def test_after_a_jump_sound_keeps_its_distance_to_the_picture() -> None:
    clock = TagClock()
    place(clock, 10_000)
    place(clock, 9_990, kind=AUDIO)
    assert place(clock, 500_000) == [10_020]
    assert place(clock, 500_010, kind=AUDIO) == [10_030]
    assert clock.repaired == 1


def test_tags_of_the_old_time_may_still_come_after_a_jump() -> None:
    clock = TagClock()
    place(clock, 10_000)
    place(clock, 9_960, kind=AUDIO)
    place(clock, 500_000)
    assert place(clock, 9_980, kind=AUDIO) == [9_980]
    assert place(clock, 500_040) == [10_060]
    assert place(clock, 500_045, kind=AUDIO) == [10_065]
    assert clock.repaired == 1


def test_tracks_on_clocks_of_their_own_both_go_on() -> None:
    clock = TagClock()
    said = [(clock.place(VIDEO, 900_000 + n * 40), clock.place(AUDIO, n * 40)) for n in range(100)]
    assert said[-1] == (900_000 + 99 * 40, 900_000 + STEP_MS + 99 * 40)
    assert clock.repaired == 1


def test_a_small_slip_back_repeats_the_last_time() -> None:
    clock = TagClock()
    assert place(clock, 1000, 1000 - MAX_SLIP_MS, 1040) == [1000, 1000, 1040]
    assert clock.repaired == 1


def test_a_larger_slip_back_goes_on() -> None:
    clock = TagClock()
    assert place(clock, 1000, 999 - MAX_SLIP_MS, 839) == [1000, 1020, 1060]


def test_a_track_may_lie_behind_the_other() -> None:
    clock = TagClock()
    place(clock, 10_000)
    assert place(clock, 8_000, 8_020, kind=AUDIO) == [8_000, 8_020]
    assert clock.repaired == 0


def test_the_wrap_at_32_bits_is_no_jump() -> None:
    clock = TagClock()
    assert place(clock, WRAP - 40, WRAP - 1, 39, 79) == [WRAP - 40, WRAP - 1, 39, 79]
    assert clock.repaired == 0


def test_a_new_life_close_ahead_keeps_its_times() -> None:
    clock = TagClock()
    place(clock, 10_000)
    clock.restart()
    assert clock.place(VIDEO, 0, is_configuration=True) == 10_000
    assert place(clock, 10_150, 10_190) == [10_150, 10_190]
    assert clock.repaired == 0


@pytest.mark.parametrize("begins_ms", [0, 9_000, 10_151, 12_000, 10_000 + MAX_AHEAD_MS + 1])
def test_a_new_life_with_other_times_goes_on_where_the_old_one_ended(begins_ms: int) -> None:
    clock = TagClock()
    place(clock, 10_000)
    clock.restart()
    assert place(clock, begins_ms, begins_ms + 40) == [10_020, 10_060]
    assert clock.repaired == 1


def test_a_life_without_a_picture_changes_nothing() -> None:
    clock = TagClock()
    place(clock, 10_000)
    clock.restart()
    clock.restart()
    assert place(clock, 10_040) == [10_040]


def test_a_pause_of_one_track_is_no_jump() -> None:
    clock = TagClock()
    place(clock, 0, kind=AUDIO)
    place(clock, *range(0, 60_000, 1000))
    assert place(clock, 59_000, kind=AUDIO) == [59_000]
    assert clock.repaired == 0


@given(
    st.lists(
        st.tuples(
            kinds | st.just(SCRIPT),
            st.integers(0, WRAP - 1) | st.integers(0, 9000),
            st.booleans(),
            st.integers(0, 20),
        ),
        max_size=60,
    )
)
def test_absurd_times_never_make_a_track_run_back(
    steps: list[tuple[int, int, bool, int]],
) -> None:
    clock, has_begun = TagClock(), False
    last: dict[int, int] = {}
    for kind, time_ms, is_configuration, restart in steps:
        if restart == 0:
            clock.restart()
        configures = is_configuration or kind == SCRIPT
        placed = clock.place(kind, time_ms, is_configuration=configures)
        assert 0 <= placed < WRAP
        if not (configures or has_begun):
            has_begun, last = True, {}  # what went before bears the time 0, wherever the input is
        if kind in last:
            assert (placed - last[kind]) % WRAP < WRAP // 2
        last[kind] = placed


@given(st.lists(st.tuples(kinds, st.integers(0, 40)), max_size=80), st.integers(0, WRAP - 1))
def test_a_stream_that_makes_sense_is_not_touched(
    steps: list[tuple[int, int]], begins_ms: int
) -> None:
    clock, now = TagClock(), begins_ms
    for kind, step in steps:
        now = (now + step) % WRAP
        assert clock.place(kind, now) == now
    assert clock.repaired == 0
