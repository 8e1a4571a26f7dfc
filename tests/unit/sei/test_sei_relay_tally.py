from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sei.counts import DELAY_BOUNDS_MS, Counts
from sei.relay.placing import worker_count
from sei.relay.rates import Rates, quantile
from sei.relay.restarts import QUIET_S, Restarts
from sei.relay.tally import COUNTERS, Tally


def counted(packets: int, delay_ms: float = 1.5) -> Counts:
    counts = Counts(video_packets=packets, players=3, input_state="live")
    counts.observe_delay(delay_ms)
    return counts


def test_counters_go_on_after_a_worker_died() -> None:
    tally = Tally()
    tally.hear(counted(100))
    tally.bank()
    assert tally.total().video_packets == 100
    tally.hear(counted(7))
    total = tally.total()
    assert total.video_packets == 107
    assert sum(total.delay_counts) == 2
    assert total.delay_sum_ms == 3.0


def test_what_is_no_counter_is_of_the_present_worker() -> None:
    tally = Tally()
    tally.hear(counted(100))
    assert tally.total().players == 3
    tally.bank()
    assert tally.total().players == 0
    assert tally.total().input_state == "connecting"


@given(st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=20))
def test_no_counter_ever_runs_back(steps: list[int | None]) -> None:
    tally, now, last = Tally(), 0, 0
    for step in steps:
        if step is None:
            tally.bank()
            now = 0
        else:
            now += step
            tally.hear(Counts(**dict.fromkeys(COUNTERS, now)))
        total = tally.total()
        assert total.injected >= last
        assert all(getattr(total, name) == total.injected for name in COUNTERS)
        last = total.injected


def test_the_rate_is_of_the_last_seconds() -> None:
    rates = Rates(window_s=10)
    for second in range(21):
        rates.note(float(second), {"a": counted(0 if second < 10 else (second - 10) * 25)})
    assert rates.of("a").packets_per_s == 25.0


def test_a_stream_that_is_gone_is_forgotten() -> None:
    rates = Rates()
    rates.note(0.0, {"a": counted(1)})
    rates.note(1.0, {})
    rates.note(2.0, {"a": counted(5)})
    assert rates.of("a").packets_per_s == 0.0
    assert rates.of("b").delay_p50_ms is None


def test_a_stream_of_the_same_name_that_begins_at_zero_has_no_rate_below_zero() -> None:
    rates = Rates()
    for second, packets in enumerate((1000, 1025, 5, 30)):
        rates.note(float(second), {"a": counted(packets)})
    assert rates.of("a").packets_per_s == 25.0


def test_a_quantile_is_the_bound_of_its_bucket() -> None:
    counts = [0] * (len(DELAY_BOUNDS_MS) + 1)
    assert quantile(counts, 0.5) is None
    counts[1], counts[-1] = 98, 2
    assert quantile(counts, 0.5) == DELAY_BOUNDS_MS[1]
    assert quantile(counts, 0.99) == float("inf")


def test_the_first_restart_is_immediate_and_the_next_ones_wait_longer() -> None:
    restarts, now, waits = Restarts(draw=lambda: 1.0), 100.0, []
    for _ in range(9):
        waits.append(restarts.wait_s(now))
        now += waits[-1] + 1.0
    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_after_a_quiet_minute_a_restart_is_immediate_again() -> None:
    restarts = Restarts(draw=lambda: 1.0)
    assert [restarts.wait_s(0.0), restarts.wait_s(1.0)] == [0.0, 0.5]
    assert restarts.wait_s(1.5 + QUIET_S) == 0.0
    assert restarts.wait_s(2.5 + QUIET_S) == 0.5


def test_no_streams_want_no_worker() -> None:
    assert worker_count(0, 50, 2) == 0
