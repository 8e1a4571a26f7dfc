"""Users for Locust: pollers, WebSocket readers and a few who sit down and stand up.

Staleness (now minus the snapshot's ``ts``) is reported as the entries ``staleness poll`` and
``staleness ws``, in ms, by the clock of this machine.
"""

from __future__ import annotations

import json
import os
import random
import time
from typing import Any, ClassVar
from uuid import uuid4

import gevent
import websocket
from locust import HttpUser, User, between, constant, events, task

ROOM = os.environ.get("LOADTEST_ROOM", "load")
TOKENS = json.loads(os.environ.get("LOADTEST_TOKENS", "[]"))
"""Tokens of those who sit down and stand up; the first is the owner's."""
PING_S = 20


def report(channel: str, body: bytes | str) -> None:
    """Tell how old a snapshot was when it arrived."""
    snapshot = json.loads(body)
    if snapshot.get("type") != "snapshot":
        return
    events.request.fire(
        request_type="staleness",
        name=channel,
        response_time=max(0.0, time.time() * 1000 - snapshot["ts"]),
        response_length=len(body),
        exception=None,
        context={},
    )


class Poller(HttpUser):
    """Asks as often as the server says, ±20 %, and only for what is new."""

    weight = 6
    wait_time = constant(0)

    def on_start(self) -> None:
        """Hold nothing yet."""
        self.tag = ""
        self.pace_ms = 3000

    @task
    def poll(self) -> None:
        """Ask once."""
        headers = {"If-None-Match": self.tag} if self.tag else {}
        url = f"/v1/rooms/{ROOM}/state"
        with self.client.get(url, headers=headers, name="poll", catch_response=True) as response:
            if response.status_code == 200:
                self.tag = response.headers["ETag"]
                report("poll", response.content)
            elif response.status_code != 304:
                response.failure(f"status {response.status_code}")
            self.pace_ms = int(response.headers.get("Seatsync-Poll-Ms", self.pace_ms))
        gevent.sleep(self.pace_ms / 1000 * random.uniform(0.8, 1.2))


class Reader(User):
    """Reads by WebSocket until told to stop; comes back when it is cut."""

    weight = 30
    wait_time = between(0.1, 1)

    @task
    def read(self) -> None:
        """Hold one connection."""
        started = time.perf_counter()
        url = f"{self.host.replace('http', 'ws', 1)}/v1/rooms/{ROOM}/push"
        socket, error = None, None
        try:
            socket = websocket.create_connection(url, subprotocols=["seatsync.v1"], timeout=PING_S)
        except (OSError, websocket.WebSocketException) as failure:
            error = failure
        events.request.fire(
            request_type="WS",
            name="connect",
            response_time=(time.perf_counter() - started) * 1000,
            response_length=0,
            exception=error,
            context={},
        )
        if socket is not None:
            self._follow(socket)

    def _follow(self, socket: websocket.WebSocket) -> None:
        try:
            while True:
                try:
                    text = socket.recv()
                except websocket.WebSocketTimeoutException:
                    socket.ping()
                    continue
                if not text:
                    return
                report("ws", text)
        except (OSError, websocket.WebSocketException):
            return
        finally:
            socket.close()


class Guest(HttpUser):
    """Sits down and stands up."""

    fixed_count = max(1, len(TOKENS))
    wait_time = between(1, 3)
    tokens: ClassVar[list[str]] = list(TOKENS)

    def on_start(self) -> None:
        """Take one of the tokens."""
        self.token = self.tokens.pop() if self.tokens else None

    @task
    def sit(self) -> None:
        """Take any seat, stay a moment, leave."""
        self._command("seat.take", {"seat_index": -1}, {200, 409})
        gevent.sleep(random.uniform(0.5, 2))
        self._command("seat.leave", {}, {200})

    def _command(self, name: str, args: dict[str, Any], fine: set[int]) -> None:
        if self.token is None:
            return
        body = {"cmd": name, "cmd_id": uuid4().hex, "args": args}
        with self.client.post(
            f"/v1/rooms/{ROOM}/commands",
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            name=name,
            catch_response=True,
        ) as response:
            if response.status_code in fine:
                response.success()
            else:
                response.failure(f"status {response.status_code}")
