"""What a relay is asked to do; a pure value, equal where nothing changed."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

MAX_STREAMS_PER_WORKER: Final = 50

Injection = Literal["on", "keyframes", "off"]
"""When messages go in: at every cause of the cadence, only on keyframes, never."""
EngineName = Literal["auto", "flv", "av"]


class Probe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Re-reads one output, or what a CDN makes of it, and counts what arrives."""

    url: str = "flv"
    """``flv``, ``mp4`` or ``hls``: our own output of that form; else an HTTP address."""
    every_s: float = 60.0
    for_s: float = 10.0


class StreamConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stream."""

    name: str
    """Its name in addresses and metrics, ``[A-Za-z0-9_-]{1,64}``."""
    room: str
    input: str
    """An address (``sei.inputs.address``), a file, ``-`` for standard input, ``test:``."""
    outputs: tuple[str, ...] = ("flv",)
    """``flv``, ``mp4``, ``hls``, ``hls-fmp4``: over HTTP. A folder's ``…/live.m3u8``, a file
    ``….flv|ts|mp4``, ``rtmp://…``, ``-`` or ``ts:-``: standard output."""
    engine: EngineName = "auto"
    """``flv`` where input and outputs allow it; ``av`` for everything else."""
    inject: Injection = "on"
    max_message_bytes: int = 1000
    loop: bool = False
    """A file begins again at its end."""
    paced: bool = True
    """A file is read at the pace of its times, not as fast as possible."""
    redirects: tuple[str, ...] = ()
    """Hosts, ``*.cdn.example`` too, to which the input may redirect; its own always may."""
    probe: Probe | None = None


class SigningKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key that vouches for what goes into the streams."""

    file: str
    """Ed25519, PKCS #8 in PEM."""
    id: str
    """``kid``, ``[A-Za-z0-9_-]{1,32}``."""


class RelayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A relay: one process tree, one port for players."""

    gateway: str = "http://127.0.0.1:8080"
    listen: str = "127.0.0.1:8082"
    status_listen: str = "127.0.0.1:9092"
    streams_per_worker: int = MAX_STREAMS_PER_WORKER
    signing: SigningKey | None = None
    streams: tuple[StreamConfig, ...] = msgspec.field(default=(), name="stream")
