"""What a gateway is told at start; all of it in one frozen value."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

MAX_BODY_BYTES: Final = 64 * 1024
MAX_FRAME_BYTES: Final = 16 * 1024
BODY_TIMEOUT_S: Final = 5.0
IDLE_TIMEOUT_S: Final = 15.0
NO_PROGRESS_S: Final = 10.0
"""A socket that takes no byte for so long is aborted."""
BACKLOG: Final = 4096
SSE_COMMENT_S: Final = 15.0
RETRY_SPREAD_MS: Final = (500, 5000)
"""Clients that are sent away come back spread over this span."""


class Address(NamedTuple):
    """Where to listen; port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Stream(msgspec.Struct, frozen=True):
    """A video stream of a room, as players are told of it."""

    format: str
    url: str
    """``{room}`` stands for the room id."""
    quality: str = "source"
    codec: str = "h264"
    width: int | msgspec.UnsetType = msgspec.UNSET
    height: int | msgspec.UnsetType = msgspec.UNSET


class DemoUser(msgspec.Struct, frozen=True):
    """Somebody whom a visitor of the demo page may act as."""

    user_id: str
    nickname: str


class Config(msgspec.Struct, frozen=True):
    """The settings of one gateway."""

    listen: Address
    metrics_listen: Address
    secret: bytes
    origins: tuple[str, ...] = ()
    """Foreign origins that may use the API from a browser; ``*`` for any."""
    poll_interval_ms: int = 3000
    ping_interval_s: float = 25.0
    streams: tuple[Stream, ...] = ()
    demo_users: tuple[DemoUser, ...] = ()
    drain_s: float = 8.0
    """How long connections may take to leave; the process is gone within 10 s."""
