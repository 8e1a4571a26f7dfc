"""Segments in memory: a muxer's thread puts them, the event loop serves them."""

from __future__ import annotations

import threading
from typing import Final

PLAYLIST: Final = "live.m3u8"
"""The name of a stream's playlist, served as ``/live/<stream>.m3u8``; its addresses are relative to
that, so a segment is ``<stream>/<segment>``."""
MAX_ITEMS: Final = 64
MAX_BYTES: Final = 64 * 1024 * 1024


class Shelf:
    """Keeps what was put last, by name; what is oldest goes when it is full.

    A playlist is put under one name again and again and so stays new. May be used from any thread.

    Args:
        max_items: how many names there may be.
        max_bytes: of all that is kept; what alone is larger is not kept.
    """

    def __init__(self, *, max_items: int = MAX_ITEMS, max_bytes: int = MAX_BYTES) -> None:
        self._max_items: Final = max_items
        self._max_bytes: Final = max_bytes
        self._lock: Final = threading.Lock()
        self._kept: Final[dict[str, bytes]] = {}
        self._total_bytes = 0

    @property
    def total_bytes(self) -> int:
        """What is kept, in bytes."""
        return self._total_bytes

    def put(self, name: str, content: bytes) -> bool:
        """Keep a content in place of what had its name; tell whether there was room for it."""
        with self._lock:
            self._drop(name)
            if len(content) > self._max_bytes:
                return False
            self._kept[name] = content
            self._total_bytes += len(content)
            while len(self._kept) > self._max_items or self._total_bytes > self._max_bytes:
                self._drop(next(iter(self._kept)))
            return True

    def get(self, name: str) -> bytes | None:
        """Give the content of a name; None where there is none."""
        return self._kept.get(name)

    def remove(self, name: str) -> None:
        """Take a name away; one that is not there is no error."""
        with self._lock:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._total_bytes -= len(self._kept.pop(name, b""))
