from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_kit import Node, running_node

from gateway.server import clock_ms
from store.memory import MemoryStore
from store.sqlite import SqliteStore


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """A gateway in this process, on a store that forgets."""
    async with running_node(MemoryStore(clock_ms)) as running:
        yield running


@pytest.fixture(params=["memory", "sqlite"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Node]:
    """The same over each store."""
    if request.param == "memory":
        store: MemoryStore | SqliteStore = MemoryStore(clock_ms)
    else:
        store = SqliteStore.open(tmp_path / "rooms.db", clock_ms)
    async with running_node(store) as running:
        yield running
