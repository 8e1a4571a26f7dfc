"""Sits down, turns the microphone on and off, stands up: all changes of a run are theirs."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import gevent
from locust import FastHttpUser, task
from locust.exception import StopUser

from loadtest.refusal import Refusal, read_problem
from loadtest.scene import scene
from loadtest.staleness import WentBack
from loadtest.users.entries import tell_age
from room.position import Position

STAND_UP = 0.1
"""Of a guest's commands, how many are to leave the seat."""
OUR_FAULT = frozenset(
    ("ALREADY_ON_SEAT", "NOT_ON_SEAT", "NO_FREE_SEAT", "SEAT_OCCUPIED", "SEAT_CHANGED")
)
"""Refusals that follow from what guests do to each other."""


class Guest(FastHttpUser):
    """Sends its share of the commands, at the pace of the shape."""

    def on_start(self) -> None:
        """Be somebody."""
        self.room, self.token = scene.next_guest()
        if self.token is None:
            raise StopUser
        self.seated = False
        self.mic_on = False
        self.position = Position(0, 0)
        self._due_s = time.perf_counter() + scene.rng.random()

    @task
    def act(self) -> None:
        """Wait for our turn and send one command."""
        gevent.sleep(max(0.0, self._due_s - time.perf_counter()))
        interval_s = scene.change_interval_s()
        self._due_s = max(self._due_s, time.perf_counter() - interval_s) + interval_s
        if not self.seated:
            self.seated = self._command("seat.take", seat_index=-1)
        elif scene.rng.random() < STAND_UP:
            self._command("seat.leave")
            self.seated = False
        else:
            self.mic_on = not self.mic_on
            self.seated = self._command("mic.set", on=self.mic_on)

    def _command(self, name: str, **args: Any) -> bool:
        """Send one; tell whether it was carried out."""
        body = {"cmd": name, "cmd_id": uuid4().hex, "args": args}
        with self.client.post(
            f"/v1/rooms/{self.room}/commands",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            name=name,
            catch_response=True,
        ) as response:
            if response.status_code == 200:
                self._check(response.json())
                return True
            if not response.status_code:
                return False
            refusal = read_problem(response.status_code, response.headers, response.content)
            if refusal.code in OUR_FAULT or refusal.is_fair:
                response.success()
            else:
                response.failure(refusal.code)
        self._obey(refusal)
        return False

    def _check(self, ack: dict[str, Any]) -> None:
        """One user's acks never go back either."""
        came = Position(ack["epoch"], ack["version"])
        if came < self.position:
            tell_age("position ack", 0.0, 0, WentBack("ack", self.position, came))
        self.position = max(self.position, came)

    def _obey(self, refusal: Refusal) -> None:
        """Send nothing for as long as the server asked for."""
        if refusal.retry_after_ms is not None:
            gevent.sleep(refusal.retry_after_ms / 1000)
