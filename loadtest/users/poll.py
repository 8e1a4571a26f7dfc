"""Polls as often as the server says."""

from __future__ import annotations

import gevent

from loadtest.scene import scene
from loadtest.users.polling import PollingReader
from seatsync.backoff import spread_ms


class Poller(PollingReader):
    """Asks at the server's pace, ±20 %, and only for what is new."""

    weight = 6
    kind = "GET"

    def live(self) -> None:
        """Ask once; staleness counts from the first answer on, so a life is the whole run."""
        while True:
            self.poll("poll")
            self.failures = 0
            gevent.sleep(spread_ms(self.pace_ms, scene.rng.random()) / 1000)
