"""Reads a frame now and then, from a socket whose buffer is small."""

from __future__ import annotations

import socket

import gevent

from loadtest.scene import scene
from loadtest.users.push import PushReader

BUFFER_BYTES = 4096
PAUSE_S = (0.5, 2.0)


class SlowReader(PushReader):
    """Skips what it could not read in time; must never be cut for that, nor go back."""

    weight = 6
    road = "slow ws"
    socket_options = ((socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES),)

    def pause(self) -> None:
        """Look away."""
        gevent.sleep(scene.rng.uniform(*PAUSE_S))
