"""From a URL to a backend that is open."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from room.errors import InvalidArgument
from store.backend import Backend
from store.bus import LocalBus
from store.leases import LocalLeases
from store.memory import MemoryStore
from store.port import Clock, Store
from store.sqlite import SqliteStore

FORMS: Final = "sqlite:PATH, redis://HOST:PORT/DB or memory:"


async def open_backend(url: str, clock: Clock, lease_ms: int) -> Backend:
    """Open the store that a URL names, and what belongs to it.

    Args:
        url: of one of ``FORMS``.
        clock: wall clock.
        lease_ms: how long whoever sits already may take to show themselves; a store that many
            nodes share keeps its own leases instead.

    Raises:
        InvalidArgument: there is no store of that form.
        StoreUnusable: it can't be opened.
    """
    kind, colon, rest = url.partition(":")
    if kind == "memory" and colon and not rest:
        return alone(MemoryStore(clock), clock)
    if kind == "sqlite" and rest:
        return embedded(Path(rest), clock, lease_ms)
    if kind in ("redis", "rediss", "unix") and rest.startswith("//"):
        from store.redis import open_redis  # the one store that needs its client's library

        return await open_redis(url, clock)
    raise InvalidArgument(f"a store is {FORMS}")


def embedded(path: Path, clock: Clock, lease_ms: int) -> Backend:
    """Open a backend of one process and one file.

    Raises:
        StoreUnusable: the file can't be opened.
    """
    store = SqliteStore.open(path.expanduser(), clock)
    return Backend(store, LocalLeases(clock, store.taken(), lease_ms), LocalBus())


def alone(store: Store, clock: Clock) -> Backend:
    """Give a store of one process what belongs to it; nobody has a seat in it yet."""
    return Backend(store, LocalLeases(clock), LocalBus())
