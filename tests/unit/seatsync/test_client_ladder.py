from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from room.errors import InvalidArgument
from room.reconcile import CHANNELS, Channel
from seatsync.backoff import CAP_MS, LONGEST_HINT_MS
from seatsync.ladder import STABLE_MS, Ladder, Plan

ALL: tuple[Channel, ...] = CHANNELS


def ladder(*channels: Channel, draw: float = 1.0) -> Ladder:
    return Ladder(channels or ALL, lambda: draw)


def run(plan: Plan) -> set[str]:
    return set(plan.run)


def test_start_is_the_best_push_and_a_poll_for_the_first_paint() -> None:
    assert ladder().advance(0) == Plan(frozenset(("ws", "poll")), None)


@pytest.mark.parametrize(
    ("channels", "first"),
    [
        (("poll", "ws"), {"ws", "poll"}),
        (("sse", "poll"), {"sse", "poll"}),
        (("ws", "sse"), {"ws"}),
        (("ws", "sei"), {"ws"}),
        (("poll", "sei"), {"poll"}),
        (("sei",), {"sei"}),
    ],
)
def test_start_with_fewer_channels(channels: tuple[Channel, ...], first: set[str]) -> None:
    assert run(ladder(*channels).advance(0)) == first


def test_worse_channels_stop_when_a_better_one_opens() -> None:
    steps = ladder()
    steps.advance(0)
    assert run(steps.opened("poll", 10)) == {"ws", "poll"}
    assert steps.active == "poll"
    assert steps.opened("ws", 20) == Plan(frozenset(("ws",)), None)
    assert steps.active == "ws"


def test_next_channels_start_at_once_when_the_active_one_ends() -> None:
    steps = ladder()
    steps.advance(0)
    steps.opened("ws", 10)
    assert steps.ended("ws", 10_000) == Plan(frozenset(("sse", "poll")), 10_500)


def test_sse_is_not_tried_while_ws_connects() -> None:
    steps = ladder("ws", "sse")
    assert run(steps.advance(0)) == {"ws"}
    assert run(steps.ended("ws", 100)) == {"sse"}


def test_ws_is_tried_again_beside_an_open_sse_and_replaces_it() -> None:
    steps = ladder("ws", "sse")
    steps.advance(0)
    steps.ended("ws", 0)
    assert steps.opened("sse", 100) == Plan(frozenset(("sse",)), 500)
    assert steps.advance(499) == Plan(frozenset(("sse",)), 500)
    assert run(steps.advance(500)) == {"ws", "sse"}
    assert run(steps.opened("ws", 600)) == {"ws"}


def test_connecting_sse_is_not_given_up_when_ws_is_due() -> None:
    steps = ladder("ws", "sse")
    steps.advance(0)
    steps.ended("ws", 0)
    assert run(steps.advance(500)) == {"ws", "sse"}


def test_video_is_used_when_everything_else_failed_and_left_when_poll_is_back() -> None:
    steps = ladder()
    steps.advance(0)
    assert run(steps.ended("ws", 0)) == {"sse", "poll"}
    assert run(steps.ended("sse", 0)) == {"poll"}
    assert run(steps.ended("poll", 0)) == {"sei"}
    steps.opened("sei", 100)
    assert run(steps.advance(500)) == {"ws", "poll", "sei"}
    assert run(steps.opened("poll", 600)) == {"ws", "poll"}


def test_waits_grow_with_each_failure() -> None:
    steps = ladder("ws")
    now_ms, waits = 0, []
    for _ in range(8):
        steps.advance(now_ms)
        wake_at_ms = steps.ended("ws", now_ms).wake_at_ms
        assert wake_at_ms is not None
        waits.append(wake_at_ms - now_ms)
        now_ms = wake_at_ms
    assert waits == [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]


@pytest.mark.parametrize(("lived_ms", "wait_ms"), [(STABLE_MS - 1, 2000), (STABLE_MS, 500)])
def test_failures_are_forgotten_only_after_a_stable_connection(lived_ms: int, wait_ms: int) -> None:
    steps = ladder("ws")
    for now_ms in (0, 10_000):
        steps.advance(now_ms)
        steps.ended("ws", now_ms)
    steps.advance(20_000)
    steps.opened("ws", 20_000)
    plan = steps.ended("ws", 20_000 + lived_ms)
    assert plan.wake_at_ms == 20_000 + lived_ms + wait_ms


def test_hint_of_the_server_replaces_the_backoff() -> None:
    steps = ladder("ws", draw=0.0)
    steps.advance(0)
    assert steps.ended("ws", 0, retry_after_ms=7000) == Plan(frozenset(), 7000)


def test_waits_of_a_worse_channel_are_forgotten_when_a_better_one_opens() -> None:
    steps = ladder("ws", "poll")
    steps.advance(0)
    steps.ended("poll", 0)
    steps.opened("ws", 1)
    assert run(steps.ended("ws", 2)) == {"poll"}


def test_what_the_server_asked_for_is_not_forgotten_when_a_better_one_opens() -> None:
    steps = ladder("ws", "poll")
    steps.advance(0)
    steps.ended("poll", 0, retry_after_ms=60_000)
    steps.opened("ws", 1)
    assert steps.ended("ws", 2) == Plan(frozenset(), 502)


def test_permanent_end_drops_a_channel_for_ever() -> None:
    steps = ladder("ws", "sse")
    steps.advance(0)
    assert steps.ended("ws", 0, permanent=True) == Plan(frozenset(("sse",)), None)
    assert run(steps.advance(10**9)) == {"sse"}
    assert not steps.dead


def test_ladder_is_dead_when_every_channel_is() -> None:
    steps = ladder("ws", "poll")
    steps.advance(0)
    steps.ended("ws", 0, permanent=True)
    assert steps.ended("poll", 0, permanent=True) == Plan(frozenset(), None)
    assert steps.dead


def test_events_of_a_stopped_channel_change_nothing() -> None:
    steps = ladder()
    steps.advance(0)
    before = steps.opened("ws", 1)
    assert steps.ended("poll", 2, permanent=True) == before
    assert steps.opened("sse", 2) == before
    assert run(steps.ended("ws", 3)) == {"sse", "poll"}


@pytest.mark.parametrize("channels", [(), ("ws", "carrier-pigeon")])
def test_unknown_or_no_channels_are_refused(channels: Any) -> None:
    with pytest.raises(InvalidArgument):
        Ladder(channels, lambda: 0.0)


hints = st.none() | st.integers(0, 10**7)
happenings = st.one_of(
    st.tuples(st.just("opened"), st.sampled_from(ALL)),
    st.tuples(st.just("ended"), st.sampled_from(ALL), hints),
    st.tuples(st.just("ended"), st.sampled_from(ALL), st.just("permanent")),
    st.tuples(st.just("passed"), st.integers(0, 40_000)),
)


@given(
    st.sets(st.sampled_from(ALL), min_size=1),
    st.lists(happenings, max_size=60),
    st.floats(0, 1),
)
def test_something_is_always_tried_or_about_to_be(
    channels: set[Channel], story: list[tuple[Any, ...]], draw: float
) -> None:
    steps = Ladder(channels, lambda: draw)
    now_ms = 0
    plan = steps.advance(now_ms)
    for happening in story:
        match happening:
            case ("opened", channel) if channel in channels:
                plan = steps.opened(channel, now_ms)
            case ("ended", channel, "permanent") if channel in channels:
                plan = steps.ended(channel, now_ms, permanent=True)
            case ("ended", channel, hint_ms) if channel in channels:
                plan = steps.ended(channel, now_ms, retry_after_ms=hint_ms)
            case ("passed", span_ms):
                now_ms += span_ms
                plan = steps.advance(now_ms)
        assert steps.dead or plan.run or plan.wake_at_ms is not None
        assert plan.wake_at_ms is None or 0 < plan.wake_at_ms - now_ms <= LONGEST_HINT_MS
        if steps.active is not None:
            worse = ALL[ALL.index(steps.active) + 1 :]
            assert not plan.run & set(worse)
        assert plan == steps.advance(now_ms), "asking again changes nothing"
    if not steps.dead:
        wake_at_ms = now_ms if plan.run else plan.wake_at_ms
        assert wake_at_ms is not None
        assert steps.advance(wake_at_ms).run, "the wake-up leads to a try"


@given(st.lists(st.sampled_from(ALL), max_size=40), st.floats(0, 1))
def test_without_hints_the_next_try_is_never_further_than_the_cap(
    failing: list[Channel], draw: float
) -> None:
    steps = Ladder(ALL, lambda: draw)
    now_ms = 0
    plan = steps.advance(now_ms)
    for channel in failing:
        plan = steps.ended(channel, now_ms)
        if not plan.run:
            assert plan.wake_at_ms is not None
            assert plan.wake_at_ms - now_ms <= CAP_MS
            now_ms = plan.wake_at_ms
            plan = steps.advance(now_ms)
