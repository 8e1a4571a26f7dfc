"""What the runs know of a server: ours and each rival alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from bench.edge.children import Child


class Change(NamedTuple):
    """One change that was made."""

    version: int
    sent_ns: int
    acked_ns: int


class Side(Protocol):
    """A server with one room that can be changed."""

    name: str
    port: int
    path: str
    """Of its WebSocket."""
    writers: int
    """How many may change the room at once."""
    greets: int
    """How many snapshots a new connection gets at once."""
    server: Child

    def hurry(self) -> None:
        """Keep up the rate of changes from now on, even while the server is slow to take them."""
        ...

    def change(self, writer: int) -> Change:
        """Make one change and wait for its ack."""
        ...


Start = Callable[[Path], AbstractContextManager[Side]]
"""Starts a server with its files in a folder, and ends it."""
