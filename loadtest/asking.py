"""Ask the server for its time, by the protocol's own ``ping``."""

from __future__ import annotations

import json
from collections.abc import Iterator

import websocket

from loadtest.clock import Exchange, wall_ms

TIMES = 15
TIMEOUT_S = 10
MESSAGES_AT_MOST = 100


def ask_the_time(host: str) -> Iterator[Exchange]:
    """Ask a few times over one connection.

    Raises:
        OSError: the server is not there.
        WebSocketException: it does not speak the protocol.
        ValueError: or not to us.
    """
    url = f"{host.replace('http', 'ws', 1)}/v1/push"
    socket = websocket.create_connection(
        url, subprotocols=["seatsync.v1"], timeout=TIMEOUT_S, suppress_origin=True
    )
    try:
        for number in range(TIMES):
            asked = wall_ms()
            socket.send(json.dumps({"type": "ping", "id": number}))
            yield Exchange(asked, _pong(socket), wall_ms())
    finally:
        socket.close()


def _pong(socket: websocket.WebSocket) -> float:
    for _ in range(MESSAGES_AT_MOST):
        message = json.loads(socket.recv() or "{}")
        if message.get("type") == "pong":
            return float(message["server_ts"])
        if message.get("type") in (None, "bye"):
            break
    raise ValueError("the server answers no ping")
