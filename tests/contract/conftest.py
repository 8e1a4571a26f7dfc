"""The stores that every suite of this folder runs over.

A further store joins with one entry in ``SETTINGS``: a function that takes an empty folder, starts
what it needs (a server on a free port, say), gives a ``Setting``, and stops it all afterwards.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from contract_samples import START_MS, Clock

from store.leases import Leases, LocalLeases
from store.memory import MemoryStore
from store.port import Store
from store.sqlite import SqliteStore
from tests.redis_server import running_redis, wall_clock_ms


@dataclass(frozen=True)
class Setting:
    """A store under the suites, empty, and how time passes for it."""

    store: Store
    leases: Leases
    pass_time: Callable[[int], Awaitable[None]]
    """Let so many ms go by for acks and leases; where the clock is a server's, by whatever
    moves what it keeps into the past."""
    clock: Clock | None = None
    """The wall clock of the store, where the test may turn it."""


def _local(store: Store, clock: Clock) -> Setting:
    async def pass_time(ms: int) -> None:
        clock.now_ms += ms

    return Setting(store, LocalLeases(clock), pass_time, clock)


@asynccontextmanager
async def memory(folder: Path) -> AsyncIterator[Setting]:
    clock = Clock()
    store = MemoryStore(clock)
    yield _local(store, clock)
    await store.close()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Setting]:
    clock = Clock()
    store = SqliteStore.open(folder / "rooms.db", clock)
    yield _local(store, clock)
    await store.close()


@asynccontextmanager
async def redis(folder: Path) -> AsyncIterator[Setting]:
    from store.redis import open_redis

    with running_redis(folder / "redis") as server:
        backend = await open_redis(server.url, wall_clock_ms)
        yield Setting(backend.store, backend.leases, server.pass_time)
        await backend.store.close()


SETTINGS: dict[str, Callable[[Path], AbstractAsyncContextManager[Setting]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "redis": redis,
}


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.redis if name == "redis" else ()) for name in SETTINGS
    ]
)
async def setting(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Setting]:
    async with SETTINGS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def store(setting: Setting) -> Store:
    return setting.store


@pytest.fixture
def leases(setting: Setting) -> Leases:
    return setting.leases


@pytest.fixture
def pass_time(setting: Setting) -> Callable[[int], Awaitable[None]]:
    return setting.pass_time


@pytest.fixture
def clock(setting: Setting) -> Clock:
    """The clock of a store that has it from the test; others are left out."""
    if setting.clock is None:
        pytest.skip("this store has its time from a server")
    assert setting.clock.now_ms == START_MS
    return setting.clock
