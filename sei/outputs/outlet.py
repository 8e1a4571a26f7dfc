"""What a stream offers to players."""

from __future__ import annotations

from typing import NamedTuple

from sei.outputs.fanout import LiveStream
from sei.outputs.shelf import Shelf


class Outlet(NamedTuple):
    """One stream, as the players' server sees it."""

    live: LiveStream | None
    """For those that take it as it goes."""
    forms: frozenset[str]
    """In which forms it is offered: ``flv``, ``mp4``."""
    shelf: Shelf | None
    """Playlists and segments of HLS."""
