"""Reads by WebSocket; polls while the server asks to stay away."""

from __future__ import annotations

import time

import gevent
import websocket

from loadtest.refusal import Refusal, Refused, read_bye, read_problem
from loadtest.scene import scene
from loadtest.staleness import Road
from loadtest.users.entries import tell
from loadtest.users.polling import PollingReader
from seatsync.backoff import spread_ms

SILENCE_S = 60
"""Two ping intervals and more: a server that lives has said something."""
CLOSE_FOR_GOOD = range(4500, 5000)


class PushReader(PollingReader):
    """Holds one connection; comes back with what it has."""

    weight = 12
    kind = "WS"
    road: Road = "ws"
    socket_options: tuple[tuple[int, int, int], ...] = ()

    def live(self) -> None:
        """Connect and read until the connection ends."""
        socket = self._connect()
        try:
            self._follow(socket)
        except websocket.WebSocketException as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        finally:
            socket.shutdown()

    def hold_off(self, refusal: Refusal | None) -> None:
        """Poll until the time has come, where the server named one."""
        until_s = time.perf_counter() + self.delay_s(refusal)
        if refusal is not None and refusal.is_fair:
            self._poll_until(until_s)
        gevent.sleep(max(0.0, until_s - time.perf_counter()))

    def pause(self) -> None:
        """Do something else between two frames; a reader that keeps up does not."""

    def _connect(self) -> websocket.WebSocket:
        position = self.watch.position
        have = "" if position is None else f"?have=state:{position}"
        url = f"{self.host.replace('http', 'ws', 1)}/v1/rooms/{self.room}/push{have}"
        started_s = time.perf_counter()
        try:
            socket = websocket.create_connection(
                url,
                subprotocols=["seatsync.v1"],
                timeout=SILENCE_S,
                sockopt=self.socket_options,
                skip_utf8_validation=True,
                suppress_origin=True,
            )
        except websocket.WebSocketBadStatusException as error:
            headers = error.resp_headers or {}
            raise Refused(read_problem(error.status_code, headers, error.resp_body)) from error
        except websocket.WebSocketException as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        tell(self.kind, "connect", (time.perf_counter() - started_s) * 1000)
        return socket

    def _follow(self, socket: websocket.WebSocket) -> None:
        while True:
            opcode, body = socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                raise Refused(Refusal(f"close {int.from_bytes(body[:2], 'big')}"))
            if body.startswith(b'{"type":"snapshot"'):
                self.watch.take(self.road, body)
            elif body.startswith(b'{"type":"welcome"'):
                self.arrived()
            elif body.startswith(b'{"type":"bye"'):
                raise Refused(read_bye(body))
            self.pause()

    def _poll_until(self, until_s: float) -> None:
        """Poll at the server's pace; what goes wrong is told, and the pause goes on."""
        while time.perf_counter() < until_s:
            try:
                self.poll("poll")
            except (Refused, OSError):
                return  # it has its entry already, and the socket's turn comes soon
            pace_s = spread_ms(self.pace_ms, scene.rng.random()) / 1000
            gevent.sleep(min(pace_s, max(0.0, until_s - time.perf_counter())))
