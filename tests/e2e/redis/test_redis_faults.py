"""A server that is frozen, full, paused, demoted or holds nonsense: no answer is wrong or late."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from redis_kit import opened, soon, until, when_available

from room.errors import InvalidArgument, Unavailable, Unreadable
from store.backend import Backend
from store.leases import Seated
from store.port import AlreadyKept
from store.redis import link
from store.redis.keys import ack_key, document_key, room_key
from store.redis.leases import LARGEST_GROUP
from tests.contract.contract_samples import (
    after,
    asking,
    created,
    find,
    key,
    put,
    seated,
    set_state,
    write,
)
from tests.redis_server import RedisServer, running_redis

pytestmark = pytest.mark.redis

CALLERS = 50


async def test_frozen_server_fails_every_call_soon_and_heals(
    server: RedisServer, backend: Backend
) -> None:
    store = backend.store
    base = await set_state(store, await created(store), "c0")
    stored = after(base, seated("a"))
    server.freeze()
    calls = [store.commit(base.revision, write(stored, "c1"))]
    calls += [store.read("demo") for _ in range(CALLERS)]  # type: ignore[misc]
    outcomes = await soon(asyncio.gather(*calls, return_exceptions=True))
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    server.thaw()
    with suppress(AlreadyKept):  # where the server carried it out after all
        await when_available(lambda: store.commit(base.revision, write(stored, "c1")))
    assert await find(store, "c1") is not None
    assert await store.read("demo") == stored


async def test_dead_server_is_refused_at_once_and_used_again_when_it_is_back(
    server: RedisServer, backend: Backend
) -> None:
    await created(backend.store)
    server.kill()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await soon(backend.store.read("demo"))
        with pytest.raises(Unavailable):
            await soon(backend.leases.renew([Seated("demo", "alice")], 1_000))
    server.start()
    await when_available(lambda: backend.store.read("demo"))
    await created(backend.store)


async def test_full_server_refuses_writes_whole_and_is_read_on(
    server: RedisServer, backend: Backend
) -> None:
    store = backend.store
    base = await set_state(store, await created(store), "c0")
    document, _ = await put(store, "one")
    stored = after(base, seated("a"), asking("b"))
    server.ask("CONFIG", "SET", "maxmemory", "1")
    for attempt in (
        lambda: store.commit(base.revision, write(stored, "c1", "c2")),
        lambda: store.create("other", base.state, 1),
        lambda: put(store, "two"),
        lambda: put(store, "one", doc="x-new"),
    ):
        with pytest.raises(Unavailable):
            await attempt()
    assert await store.read("demo") == base
    assert await store.read("other") is None
    assert await find(store, "c1") is None
    assert await find(store, "c0") is not None
    assert await store.read_document("demo", "x-score") == document
    await backend.leases.renew([Seated("demo", "alice")], 60_000)
    server.ask("CONFIG", "SET", "maxmemory", "0")
    await store.commit(base.revision, write(stored, "c1", "c2"))
    assert await store.read("demo") == stored


async def test_full_server_still_raises_the_epoch_of_a_room(
    server: RedisServer, backend: Backend
) -> None:
    held = await created(backend.store)
    server.ask("HSET", room_key("demo"), "replid", "0" * 40)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    again = await backend.store.read("demo")
    assert again is not None
    assert again.position > held.position


async def test_paused_writes_time_out_and_reads_go_on(
    server: RedisServer, backend: Backend
) -> None:
    store = backend.store
    base = await set_state(store, await created(store), "c0")
    server.ask("CLIENT", "PAUSE", "60000", "WRITE")
    assert await store.read("demo") == base
    with pytest.raises(Unavailable):
        await soon(store.commit(base.revision, write(after(base, seated("a")), "c1")))
    assert await when_available(lambda: store.read("demo")) == base
    server.ask("CLIENT", "UNPAUSE")
    await set_state(store, base, "c2")


async def test_server_that_can_not_save_is_read_on(tmp_path: Path) -> None:
    options = ("--min-replicas-to-write", "1")
    with running_redis(tmp_path / "redis") as server:
        async with opened(server.url) as backend:
            base = await created(backend.store)
            server.ask("CONFIG", "SET", options[0][2:], options[1])
            with pytest.raises(Unavailable):
                await set_state(backend.store, base, "c1")
            assert await backend.store.read("demo") == base


async def test_demoted_primary_is_neither_written_nor_read(tmp_path: Path) -> None:
    with (
        running_redis(tmp_path / "old") as old,
        running_redis(tmp_path / "new", ("--repl-diskless-sync-delay", "0")) as new,
    ):
        async with opened(old.url) as backend:
            base = await created(backend.store)
            old.ask("REPLICAOF", "127.0.0.1", str(new.port))
            await until(lambda: b"master_link_status:up" in old.ask("INFO", "replication"))
            with pytest.raises(Unavailable):
                await backend.store.read("demo")
            with pytest.raises(Unavailable):
                await backend.store.commit(base.revision, write(after(base, seated("a")), "c1"))


async def test_runaway_script_of_another_client_is_waited_out(
    server: RedisServer, backend: Backend
) -> None:
    base = await created(backend.store)
    server.ask("CONFIG", "SET", "busy-reply-threshold", "50")
    runaway = asyncio.ensure_future(asyncio.to_thread(server.ask, "EVAL", "while true do end", "0"))
    await until(lambda: server.ask("PING").startswith(b"-BUSY"))
    with pytest.raises(Unavailable):
        await soon(backend.store.read("demo"))
    await until(lambda: server.ask("SCRIPT", "KILL") == b"+OK\r\n")
    await soon(runaway)
    assert await when_available(lambda: backend.store.read("demo")) == base


@pytest.mark.parametrize(
    "spoil",
    [
        ["SET", room_key("demo"), "text"],
        ["HSET", room_key("demo"), "state", "{"],
        ["HSET", room_key("demo"), "state", '{"owner_id":3}'],
        ["HSET", room_key("demo"), "requests", "[]"],
        ["HSET", room_key("demo"), "version", "7.5"],
        ["HSET", room_key("demo"), "epoch", "9" * 16],
        ["HSET", room_key("demo"), "ts", "yesterday"],
        ["HDEL", room_key("demo"), "state"],
        ["HDEL", room_key("demo"), "epoch"],
        ["HSET", room_key("demo"), "epoch", "soon", "replid", "0"],
        ["HDEL", room_key("demo"), "requests_version", "version"],
    ],
    ids=lambda spoil: "-".join(spoil[2:4]) or spoil[0],
)
async def test_room_that_can_not_be_read_is_unreadable_and_the_others_stand(
    server: RedisServer, backend: Backend, spoil: list[str]
) -> None:
    store = backend.store
    base = await created(store)
    other = await created(store, "other")
    server.ask(*spoil)
    with pytest.raises(Unreadable):
        await store.read("demo")
    assert await store.read("other") == other
    with pytest.raises(Unreadable):
        await store.create("demo", base.state, 1)


@pytest.mark.parametrize("wrong", ["room", "document", "receipt"])
async def test_key_of_the_wrong_type_is_unreadable_and_nothing_is_written(
    server: RedisServer, backend: Backend, wrong: str
) -> None:
    store = backend.store
    base = await created(store)
    await put(store, "one")
    name = {
        "room": room_key("demo"),
        "document": document_key("demo", "x-score"),
        "receipt": ack_key("demo", key("c1")),
    }[wrong]
    server.ask("DEL", name)
    server.ask("RPUSH", name, "text")
    if wrong == "document":
        with pytest.raises(Unreadable):
            await store.read_document("demo", "x-score")
        with pytest.raises(Unreadable):
            await put(store, "two")
    else:
        with pytest.raises(Unreadable):
            await store.commit(base.revision, write(after(base, seated("a")), "c2", "c1"))
        server.ask("DEL", name)
        assert await find(store, "c2") is None
        assert await store.read("demo") == (base if wrong == "receipt" else None)


async def test_receipt_that_can_not_be_read_is_unreadable(
    server: RedisServer, backend: Backend
) -> None:
    await created(backend.store)
    server.ask("SET", ack_key("demo", key("c1")), "text")
    with pytest.raises(Unreadable):
        await find(backend.store, "c1")


async def test_text_that_is_not_unicode_is_an_invalid_argument_and_the_link_stands(
    backend: Backend,
) -> None:
    stored = await created(backend.store)
    with pytest.raises(InvalidArgument):
        await find(backend.store, "\udc80")
    with pytest.raises(InvalidArgument):
        await backend.store.read("\udc80")
    assert await backend.store.read("demo") == stored


async def test_callers_beyond_the_bound_are_refused_at_once(
    server: RedisServer, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "MOST_WAITING", 10)
    server.freeze()
    calls = [asyncio.ensure_future(backend.store.read("demo")) for _ in range(CALLERS)]
    outcomes = await soon(asyncio.gather(*calls, return_exceptions=True))
    said = [str(outcome) for outcome in outcomes]
    assert said.count("the store is behind") == CALLERS - 10
    assert said.count("the store does not answer in time") == 10
    server.thaw()
    assert await when_available(lambda: backend.store.read("demo")) is None


async def test_more_leases_of_a_room_than_one_command_carries(
    server: RedisServer, backend: Backend
) -> None:
    people = [Seated("demo", f"u{number}") for number in range(2 * LARGEST_GROUP + 1)]
    await backend.leases.renew(people, 60_000)
    await server.pass_time(61_000)
    lapsed = await backend.leases.lapsed(limit=len(people) + 1)
    assert sorted(lapse.seated for lapse in lapsed) == sorted(people)
    await backend.leases.stop(people)
    assert await backend.leases.lapsed() == []
