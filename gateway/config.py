"""What a gateway is told at start; all of it in one frozen value."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from gateway.keys import KeyFile

MAX_BODY_BYTES: Final = 64 * 1024
MAX_FRAME_BYTES: Final = 16 * 1024
MAX_DOCS: Final = 64
"""Documents that one request may name, and that a connection may follow of one room."""
BODY_TIMEOUT_S: Final = 5.0
IDLE_TIMEOUT_S: Final = 15.0
NO_PROGRESS_S: Final = 10.0
"""A socket that takes no byte for so long is aborted."""
BACKLOG: Final = 4096
SSE_COMMENT_S: Final = 15.0
RETRY_SPREAD_MS: Final = (500, 5000)
"""Clients that are sent away come back spread over this span."""

Orientation = Literal["landscape", "portrait"]


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

    def url_of(self, room: str) -> str:
        """Say where the stream of one room is."""
        return self.url.replace("{room}", room)


class Upstream(msgspec.Struct, frozen=True):
    """An HTTP service that an ``x-`` document of every room comes from."""

    doc: str
    url: str
    """``{room}`` stands for the room id."""
    ttl_ms: int = 1000
    """How long an answer is fresh that does not say."""
    timeout_ms: int = 1000
    """For one read, from its beginning to the last byte."""

    def url_of(self, room: str) -> str:
        """Say where the document of one room is."""
        return self.url.replace("{room}", room)


class Rate(msgspec.Struct, frozen=True):
    """How much may happen: ``burst`` at once, and ``per_s`` in the long run."""

    per_s: int
    burst: int


class Bounds(msgspec.Struct, frozen=True):
    """What one user and one room may ask of a node; None: not bounded (PROTOCOL.md 5)."""

    user_commands: Rate | None = Rate(per_s=20, burst=60)
    room_commands: Rate | None = Rate(per_s=1000, burst=500)
    user_polls: Rate | None = None
    user_connections: int | None = None
    connections: Rate | None = Rate(per_s=2000, burst=2000)
    """Push connections that are let in; others are told to poll for a while."""


class DemoUser(msgspec.Struct, frozen=True):
    """Somebody whom a visitor of the demo page may act as."""

    user_id: str
    nickname: str


class Config(msgspec.Struct, frozen=True):
    """The settings of one gateway."""

    listen: Address
    metrics_listen: Address
    secret: bytes
    audience: str | None = None
    """What ``aud`` of a token must name; None: not looked at."""
    issuer: str | None = None
    """What ``iss`` of a token must be; None: not looked at."""
    origins: tuple[str, ...] = ()
    """Foreign origins that may use the API from a browser, serialised; ``*`` for any."""
    public_url: str | None = None
    """Where clients reach this service, without a slash at the end; None: as they say in Host."""
    poll_interval_ms: int = 3000
    ping_interval_s: float = 25.0
    anonymous_push: bool = False
    """Whether plans send callers without a token to WebSocket and SSE first."""
    announcement: str | None = None
    """What every page is to show."""
    streams: tuple[Stream, ...] = ()
    orientation: Orientation = "landscape"
    upstreams: tuple[Upstream, ...] = ()
    """At most one for a document."""
    bounds: Bounds = Bounds()
    single_room_seat: bool = False
    """Whether a user may hold one seat in all rooms only."""
    audit_log: Path | None = None
    """Where privileged commands are written down; None: the log."""
    sei_keys: KeyFile | None = None
    """The public keys of what goes into streams; None: none are published."""
    demo_users: tuple[DemoUser, ...] = ()
    drain_s: float = 8.0
    """How long connections may take to leave; the process is gone within 10 s."""
