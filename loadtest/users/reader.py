"""What every reader does: hold the highest position, and come back after each storm."""

from __future__ import annotations

import time

import gevent
from locust import FastHttpUser, task

from loadtest.refusal import Refusal, Refused
from loadtest.scene import scene
from loadtest.staleness import Watch
from loadtest.users.entries import tell, tell_age
from seatsync.backoff import retry_delay_ms

AWAY_S = 2.0
"""How long a storm keeps everybody away; then all come back at once."""
CALM_S = 5.0
"""A connection that lived so long clears the count of failures."""


class Cut(Exception):
    """A storm: the network is gone this very moment."""


class NoAnswer(ConnectionError):
    """A request had no answer; its own entry says so already."""


class Reader(FastHttpUser):
    """Reads one room until it is stopped."""

    abstract = True
    kind = ""
    """Of its entries that are about connections."""

    def on_start(self) -> None:
        """Choose a room and hold nothing."""
        self.room = scene.place()
        self.watch = Watch(self.room, scene.clock, tell_age)
        self.failures = 0
        self._left_at_s: float | None = None

    @property
    def is_returning(self) -> bool:
        """Whether a storm sent us away, and nothing came since."""
        return self._left_at_s is not None

    @task
    def read(self) -> None:
        """Read life after life; never returns, so that no storm finds it between two tasks."""
        reading = gevent.getcurrent()

        def cut() -> None:
            # not kill(): it strips the greenlet of its arguments, by which Locust knows its users
            gevent.get_hub().loop.run_callback(reading.throw, Cut())

        scene.tide.join(cut)
        try:
            while True:
                self._live_through_storms()
        finally:
            scene.tide.leave(cut)

    def live(self) -> None:
        """Live one life of a connection, or make one request.

        Raises:
            Refused: the server sent us away.
            ConnectionError: the connection broke.
        """
        raise NotImplementedError

    def hold_off(self, refusal: Refusal | None) -> None:
        """Wait as long as the server asked for, else with full jitter."""
        gevent.sleep(self.delay_s(refusal))

    def delay_s(self, refusal: Refusal | None) -> float:
        """Give the time to the next try, and count the failure."""
        hint_ms = None if refusal is None else refusal.retry_after_ms
        delay_ms = retry_delay_ms(hint_ms, self.failures, scene.rng.random())
        self.failures += 1
        return delay_ms / 1000

    def arrived(self) -> None:
        """Hear the first sign of life; after a storm, tell how long the way back took."""
        if self._left_at_s is not None:
            took_s = time.perf_counter() - self._left_at_s - AWAY_S
            self._left_at_s = None
            tell(self.kind, "return", took_s * 1000)

    def _live_through_storms(self) -> None:
        try:
            self._live_once()
        except Cut:
            self._flee()

    def _live_once(self) -> None:
        began_s = time.perf_counter()
        refusal = None
        try:
            self.watch.begin()
            self.live()
        except Refused as refused:
            refusal = refused.refusal
            tell(self.kind, f"refused {refusal.code}", 0, 0, None if refusal.is_fair else refused)
        except NoAnswer:
            refusal = None
        except OSError as error:
            tell(self.kind, "broken", 0, 0, error)
        else:
            self.failures = 0
            return
        if time.perf_counter() - began_s >= CALM_S:
            self.failures = 0
        self.hold_off(refusal)

    def _flee(self) -> None:
        """Stay away; a storm that comes meanwhile begins anew."""
        while True:
            self._left_at_s = time.perf_counter()
            self.failures = 0
            self.client.client.close()
            try:
                gevent.sleep(AWAY_S)
            except Cut:
                continue
            return
