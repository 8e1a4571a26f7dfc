from __future__ import annotations

import threading

from sei.relay.live import Pacer


class Stop(threading.Event):
    """A stop signal on a clock that runs only while somebody waits."""

    now_s = 100.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now_s += timeout or 0
        return self.is_set()


def test_packets_are_held_back_until_their_time() -> None:
    stop = Stop()
    pacer = Pacer(stop, lambda: stop.now_s)
    at = []
    for stream_s in (0.0, 0.04, 0.08, 0.08):
        assert pacer.wait_until(stream_s)
        at.append(round(stop.now_s - 100, 3))
    assert at == [0.0, 0.04, 0.08, 0.08]


def test_a_short_delay_is_caught_up() -> None:
    stop = Stop()
    pacer = Pacer(stop, lambda: stop.now_s)
    pacer.wait_until(0.0)
    stop.now_s += 1.5
    assert pacer.wait_until(1.0)
    assert stop.now_s == 101.5
    pacer.wait_until(2.0)
    assert stop.now_s == 102.0


def test_after_a_long_delay_the_stream_goes_on_from_now() -> None:
    stop = Stop()
    pacer = Pacer(stop, lambda: stop.now_s)
    pacer.wait_until(0.0)
    stop.now_s += 60
    pacer.wait_until(1.0)
    pacer.wait_until(2.0)
    assert stop.now_s == 161.0


def test_a_stop_ends_the_wait_and_what_is_due() -> None:
    stop = Stop()
    pacer = Pacer(stop, lambda: stop.now_s)
    assert pacer.wait_until(0.0)
    stop.set()
    assert not pacer.wait_until(0.0)
    assert not pacer.wait_until(5.0)
