from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis_kit import Proxy, opened

from store.backend import Backend
from tests.redis_server import RedisServer, running_redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that keeps nothing on disk."""
    with running_redis(tmp_path / "redis") as running:
        yield running


@pytest.fixture
async def backend(server: RedisServer) -> AsyncIterator[Backend]:
    """All of the store, on ``server``."""
    async with opened(server.url) as backend:
        yield backend


@pytest.fixture
async def proxy(server: RedisServer) -> AsyncIterator[Proxy]:
    """A way to ``server`` that can fail."""
    async with Proxy.to(server.port) as running:
        yield running
