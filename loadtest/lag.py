"""How late this machine is itself: what Locust's own loop adds to every figure."""

from __future__ import annotations

import time

import gevent

from loadtest.users.entries import tell

EVERY_S = 0.25


def measure_lag() -> None:
    """Sleep again and again, and tell how much later than asked for it woke."""
    while True:
        asked_s = time.perf_counter() + EVERY_S
        gevent.sleep(EVERY_S)
        tell("generator", "lag", max(0.0, time.perf_counter() - asked_s) * 1000)
