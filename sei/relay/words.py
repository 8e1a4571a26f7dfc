"""What supervisor and worker say to each other, as MessagePack, one message a datagram.

A ``SOCK_SEQPACKET`` pair keeps messages whole and carries file descriptors beside them: the
supervisor accepts players, looks at the first line of their request and hands the connection over
unread.
"""

from __future__ import annotations

import msgspec

from sei.config import StreamConfig
from sei.counts import Counts


class Start(msgspec.Struct, frozen=True, tag="start"):
    """To a worker: run these streams too."""

    streams: tuple[StreamConfig, ...]


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """To a worker: end these streams, files closed whole."""

    names: tuple[str, ...]


class State(msgspec.Struct, frozen=True, tag="state"):
    """To a worker: the newest messages of a room, encoded and signed for one size limit."""

    room: str
    max_message_bytes: int
    epoch: int
    version: int
    messages: tuple[bytes, ...]


class Connection(msgspec.Struct, frozen=True, tag="connection"):
    """To a worker, with one file descriptor: a player's connection, nothing of it read."""

    peer: str


class Quit(msgspec.Struct, frozen=True, tag="quit"):
    """To a worker: end everything."""


ToWorker = Start | Stop | State | Connection | Quit


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """From a worker, several times a second: it is not hung, and how its streams are."""

    streams: dict[str, Counts]
    rss_bytes: int = 0


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """From a worker: a stream that was to end has ended, or a file is over."""

    name: str
    code: str = ""
    reason: str = ""


ToSupervisor = Alive | Ended
