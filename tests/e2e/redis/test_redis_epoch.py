"""What restarts and promotions keep, and how they move the epoch (DOMAIN.md 6)."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis_kit import opened, until, when_available

from room.errors import RoomNotFound
from room.snapshot import Stored
from store.port import BaseMoved, Store
from store.redis.keys import room_key
from tests.contract.contract_samples import after, created, find, put, seated, set_state, write
from tests.redis_server import DURABLE, FORGETFUL, RedisServer, running_redis

pytestmark = pytest.mark.redis

LOST_WRITES = 50
PRIMARY = (*DURABLE, "--repl-diskless-sync-delay", "0")


async def test_killed_server_loses_nothing_acknowledged_and_comes_back_in_a_later_epoch(
    tmp_path: Path,
) -> None:
    with running_redis(tmp_path / "redis", DURABLE) as server:
        async with opened(server.url) as backend:
            store = backend.store
            held = await created(store)
            document, _ = await put(store, "kept")
            for number in range(20):
                held = await set_state(store, held, f"c{number}")
            server.kill()
            server.start()
            again = await when_available(lambda: store.read("demo"))
            assert again is not None
            assert (again.state, again.ts_ms) == (held.state, held.ts_ms)
            assert again.position.version == held.position.version
            assert again.position > held.position
            for number in range(20):
                receipt = await find(store, f"c{number}")
                assert receipt is not None
                assert receipt.position.version == number + 2
            same = await store.read_document("demo", "x-score")
            assert same is not None
            assert same.data == document.data
            assert same.position == (again.position.epoch, document.position.version)
            with pytest.raises(BaseMoved) as caught:
                await store.commit(held.revision, write(after(held, seated("z")), "late"))
            assert caught.value.position == again.position
            assert (await set_state(store, again, "next")).position > again.position


@pytest.mark.parametrize("first", ["read", "commit", "create", "document", "put"])
async def test_whatever_comes_first_after_a_restart_raises_the_epoch_once(
    tmp_path: Path, first: str
) -> None:
    with running_redis(tmp_path / "redis", DURABLE) as server:
        async with opened(server.url) as backend:
            store = backend.store
            held = await created(store)
            await put(store, "kept")
            server.kill()
            server.start()
            await when_available(lambda: store.read("another"))
            await _touch(store, first, held)
            epochs = set()
            for _ in range(3):
                again = await store.read("demo")
                assert again is not None
                epochs.add(again.position.epoch)
            assert len(epochs) == 1
            assert epochs.pop() > held.position.epoch
            assert again.position.version == 1


async def test_epoch_rises_even_where_the_clock_is_behind_it(server: RedisServer) -> None:
    far_ahead = 9_000_000_000_000_123
    async with opened(server.url) as backend:
        held = await created(backend.store)
        server.ask("HSET", room_key("demo"), "epoch", str(far_ahead), "replid", "0" * 40)
        again = await backend.store.read("demo")
        assert again is not None
        assert again.position == (far_ahead + 1, held.position.version)


async def test_restart_without_persistence_has_no_rooms_and_a_new_one_stands_higher(
    tmp_path: Path,
) -> None:
    with running_redis(tmp_path / "redis", FORGETFUL) as server:
        async with opened(server.url) as backend:
            store = backend.store
            held = await set_state(store, await created(store), "c1")
            server.kill()
            server.start()
            assert await when_available(lambda: store.read("demo")) is None
            assert await find(store, "c1") is None
            with pytest.raises(RoomNotFound):
                await store.commit(held.revision, write(after(held, seated("b")), "c2"))
            with pytest.raises(RoomNotFound):
                await put(store, "text")
            assert (await created(store)).position > held.position


async def test_promoted_replica_that_lost_writes_goes_on_above_every_acknowledged_position(
    tmp_path: Path,
) -> None:
    with (
        running_redis(tmp_path / "primary", PRIMARY) as primary,
        running_redis(tmp_path / "replica", DURABLE) as replica,
    ):
        await _follow(replica, primary)
        async with opened(primary.url) as backend:
            held = await created(backend.store)
            held = await set_state(backend.store, held, "replicated")
            version = ("HGET", room_key("demo"), "version")
            await until(lambda: replica.ask(*version) == b"$1\r\n2\r\n")
            replica.ask("REPLICAOF", "127.0.0.1", "1")  # cut off, and still a replica
            shared = held
            for number in range(LOST_WRITES):
                held = await set_state(backend.store, held, f"c{number}")
        primary.kill()
        replica.ask("REPLICAOF", "NO", "ONE")
        async with opened(replica.url) as backend:
            again = await backend.store.read("demo")
            assert again is not None
            assert again.state == shared.state
            assert again.position > held.position
            assert again.position.version < held.position.version  # what a bare counter would show
            for number in range(LOST_WRITES):
                assert await find(backend.store, f"c{number}") is None
                again = await set_state(backend.store, again, f"d{number}")
                assert again.position > held.position


async def _follow(replica: RedisServer, primary: RedisServer) -> None:
    replica.ask("REPLICAOF", "127.0.0.1", str(primary.port))
    await until(lambda: b"master_link_status:up" in replica.ask("INFO", "replication"))


async def test_first_replica_of_a_primary_starts_a_new_epoch_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    with (
        running_redis(tmp_path / "primary", PRIMARY) as primary,
        running_redis(tmp_path / "replica", DURABLE) as replica,
    ):
        async with opened(primary.url) as backend:
            held = await set_state(backend.store, await created(backend.store), "c1")
            await _follow(replica, primary)
            again = await backend.store.read("demo")
            assert again is not None
            assert again.state == held.state
            assert again.position >= held.position
            assert await find(backend.store, "c1") is not None
            assert (await set_state(backend.store, again, "c2")).position > held.position


async def _touch(store: Store, how: str, held: Stored) -> None:
    if how == "read":
        await store.read("demo")
    elif how == "commit":
        with pytest.raises(BaseMoved):
            await store.commit(held.revision, write(after(held, seated("z")), "late"))
    elif how == "create":
        stored, is_new = await store.create("demo", held.state, 1)
        assert not is_new
        assert stored.position > held.position
    elif how == "document":
        document = await store.read_document("demo", "x-score")
        assert document is not None
        assert document.position.epoch > held.position.epoch
    else:
        document, _ = await put(store, "another")
        assert document.position.epoch > held.position.epoch
