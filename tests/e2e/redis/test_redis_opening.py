"""What is looked at before a server is relied on, and what a refusal says."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from redis_kit import Proxy, opened, soon

from room.errors import Unavailable
from store.port import StoreUnusable
from store.redis import open_redis
from tests.redis_server import RedisServer, running_redis, wall_clock_ms

pytestmark = pytest.mark.redis

PASSWORD = "planted-password"


async def refusal(url: str) -> str:
    with pytest.raises(StoreUnusable) as caught:
        await soon(open_redis(url, wall_clock_ms))
    assert PASSWORD not in str(caught.value)
    return caught.value.message


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_server_that_may_evict_rooms_is_refused(server: RedisServer, policy: str) -> None:
    server.ask("CONFIG", "SET", "maxmemory-policy", policy)
    message = await refusal(server.url)
    assert policy in message
    assert "set it to noeviction" in message


async def test_replica_is_refused(server: RedisServer) -> None:
    server.ask("REPLICAOF", "127.0.0.1", "1")
    assert "it is a replica" in await refusal(server.url)


async def test_node_of_a_cluster_is_refused(tmp_path: Path) -> None:
    with running_redis(tmp_path / "node", ("--cluster-enabled", "yes")) as node:
        assert "cluster" in await refusal(node.url)


async def test_nobody_there_is_named_without_the_password(server: RedisServer) -> None:
    server.kill()
    message = await refusal(f"redis://someone:{PASSWORD}@127.0.0.1:{server.port}/2")
    assert message.startswith(f"redis://127.0.0.1:{server.port}/2: ")


async def test_server_that_never_answers_is_given_up(server: RedisServer) -> None:
    server.freeze()
    assert "no answer" in await refusal(server.url)


async def test_wrong_password_is_refused_and_the_right_one_opens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_redis(tmp_path / "redis") as server:
        place = f"127.0.0.1:{server.port}"
        server.ask("CONFIG", "SET", "requirepass", PASSWORD)
        assert "credentials" in await refusal(server.url)
        assert "credentials" in await refusal(f"redis://:{PASSWORD}x@{place}")
        async with opened(f"redis://:{PASSWORD}@{place}/1") as backend:
            assert await backend.store.read("demo") is None
    assert PASSWORD not in caplog.text


async def test_far_clock_and_missing_log_are_warned_of(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    for skew_ms, warned in ((-3_600_000, True), (3_600_000, True), (0, False)):
        caplog.clear()
        backend = await open_redis(server.url, lambda skew=skew_ms: wall_clock_ms() + skew)
        await backend.store.close()
        assert ("the store's clock is far from ours" in caplog.text) is warned
        assert "keeps no log of writes" in caplog.text


async def test_closing_ends_what_was_asked_and_then_nothing_is_answered(proxy: Proxy) -> None:
    backend = await open_redis(proxy.url, wall_clock_ms)
    reads = [asyncio.ensure_future(backend.store.read("demo")) for _ in range(50)]
    await asyncio.sleep(0)
    await soon(backend.store.close())
    assert await soon(asyncio.gather(*reads)) == [None] * 50
    with pytest.raises(Unavailable):
        await backend.store.read("demo")
    await soon(backend.store.close())
