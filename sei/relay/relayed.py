"""What a worker, its supervisor and their neighbours expect of each other."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Literal, Protocol

from sei.config import StreamConfig
from sei.counts import Counts
from sei.insertion.supply import SupplyBox
from sei.relay.words import State


class WorkerSpoilt(Exception):
    """A stream left something behind that only the end of its process removes."""


class Relayed(Protocol):
    """One stream inside a worker."""

    @property
    def outlet(self) -> object:
        """What players are served from; the players' server knows its type."""
        ...

    def count(self) -> None:
        """Bring up to date what the counts say of players and outputs; several times a second."""
        ...

    async def run(self) -> None:
        """Relay until the input is over for good, or until ``stop``.

        Reconnects on its own. However it ends, and also where it is cancelled, nothing is left
        open.

        Raises:
            SeatsyncError: no attempt can help; the stream is not started again.
            WorkerSpoilt: the worker must end; its streams go on in a new one.
            Exception: a fault of ours; the stream is started again, as a new object.
        """
        ...

    async def stop(self) -> None:
        """Close files whole and let players go; ``run`` then returns. May be called twice."""
        ...


MakeStream = Callable[[StreamConfig, SupplyBox, Counts], Relayed]
"""Makes a stream; called in the loop. The counts outlive it: they go on after a fault."""


class Players(Protocol):
    """The players' server of a worker."""

    def adopt(self, connection: socket.socket) -> None:
        """Serve a connection of which nothing has been read; owns the socket from here on."""
        ...

    async def close(self) -> None:
        """Let every player go."""
        ...


MakePlayers = Callable[[Callable[[str], object | None]], Players]
"""Makes the players' server from a function that finds the outlet of a stream by its name."""


Handed = Literal["taken", "unknown", "away"]
"""What became of a player at the door; ``away``: its worker is just being started again."""


class States(Protocol):
    """The newest state of every room that is asked for (``sei.relay.states.RoomStates``)."""

    refused: int
    """Snapshots that must not go into a stream."""
    too_large: int
    """Snapshots that did not fit under a size limit."""

    def subscribe(
        self, room: str, max_message_bytes: int, on_state: Callable[[State], None]
    ) -> Callable[[], None]:
        """Tell the newest state, at once if known, and each later one; gives what ends it."""
        ...

    def age_s(self, room: str) -> float | None:
        """Seconds since the gateway last confirmed the state; None: it never did."""
        ...

    def source_counters(self) -> dict[str, Any]:
        """How the states come in: channel, rooms, reconnects, failures; empty without a source."""
        ...
