"""The scripts: every key they touch is declared and in the room's slot, and they come back."""

from __future__ import annotations

import asyncio
import re
import socket
from importlib import resources
from pathlib import Path

import msgspec
import pytest
from redis_kit import PATIENCE_S, linked, until

from room.errors import RoomNotFound
from room.snapshot import Stored
from store.backend import Backend
from store.leases import Seated
from store.port import AlreadyKept, BaseMoved, Store
from store.redis.keys import room_key
from store.redis.script import ALL
from store.redis.store import RedisStore
from tests.contract.contract_samples import (
    after,
    asking,
    created,
    find,
    put,
    seated,
    set_state,
    write,
)
from tests.redis_server import RedisServer, running_redis

pytestmark = pytest.mark.redis

KEYLESS = {"INFO", "TIME"}
FOREIGN = "0" * 40
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')
_TAG = re.compile(r"\{(.*?)\}")


class Monitor:
    """Every command that a server carries out, those within scripts too."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._peer = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
        self._peer.sendall(b"MONITOR\r\n")
        self._lines = self._peer.makefile("rb")
        assert self._lines.readline() == b"+OK\r\n"

    def stop(self) -> list[list[str]]:
        """Give all commands so far; within a script each begins with ``lua``."""
        self._server.ask("ECHO", "the end")
        commands = []
        while '"the end"' not in (line := self._lines.readline().decode()):
            words = _WORD.findall(line)
            commands.append(["lua", *words] if " lua]" in line else words)
        self._lines.close()
        self._peer.close()
        return commands


async def test_scripts_touch_only_declared_keys_and_those_of_a_room_share_its_slot(
    server: RedisServer, backend: Backend
) -> None:
    monitor = Monitor(server)
    await _every_operation(backend.store)
    server.ask("HSET", room_key("demo"), "replid", FOREIGN)
    await backend.store.read_document("demo", "x-score")
    someone = Seated("demo", "alice")
    await backend.leases.renew([someone], 1)
    await backend.leases.ensure([someone], 1)
    await backend.leases.lapsed()
    await backend.leases.claim("alice", "demo", 60_000)
    await backend.leases.claim("alice", "other", 60_000)
    await backend.leases.release("alice", "demo")
    await backend.bus.count("node", {"demo": 3, "other": 0})
    seen: set[str] = set()
    declared: list[str] = []
    for name, *words in monitor.stop():
        if name.upper() in ("EVALSHA", "EVAL"):
            seen.add(words[0])
            declared = words[2 : 2 + int(words[1])]
            tags = {tuple(_TAG.findall(one)[:1]) for one in declared}
            assert len(tags) == 1
            assert tags != {()} or len(declared) == 1
        elif name == "lua" and words[0].upper() not in KEYLESS:
            assert words[1] in declared, words
    assert {script.digest for script in ALL} <= seen


async def test_scripts_run_on_a_server_that_holds_them_to_their_slot(tmp_path: Path) -> None:
    options = ("--cluster-enabled", "yes")
    with running_redis(tmp_path / "node", options) as node:
        assert node.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383") == b"+OK\r\n"
        await until(lambda: b"cluster_state:ok" in node.ask("CLUSTER", "INFO"))
        async with linked(node.url) as link:
            await _every_operation(RedisStore(link))


async def test_flushed_scripts_come_back_by_themselves(
    server: RedisServer, backend: Backend
) -> None:
    stored = await created(backend.store)
    for number in range(5):
        assert server.ask("SCRIPT", "FLUSH") == b"+OK\r\n"
        stored = await set_state(backend.store, stored, f"c{number}")
        assert server.ask("SCRIPT", "FLUSH") == b"+OK\r\n"
        reads = await asyncio.gather(*(backend.store.read("demo") for _ in range(20)))
        assert all(read == stored for read in reads)


async def test_every_script_has_a_file_and_every_file_a_caller() -> None:
    folder = resources.files("store.redis") / "scripts"
    files = {entry.name for entry in folder.iterdir() if entry.name.endswith(".lua")}
    assert files == {f"{script.name}.lua" for script in ALL} | {"fence.lua"}
    for script in ALL:
        assert script.text.startswith("#!lua")


@pytest.mark.parametrize("room", ["a}b", "{", "ro om", "é", "a:room"])
async def test_odd_room_names_are_rooms_of_their_own(backend: Backend, room: str) -> None:
    plain = await created(backend.store, "a")
    stored = await created(backend.store, room)
    stored = await set_state(backend.store, stored, "c1")
    assert await backend.store.read(room) == stored
    assert await backend.store.read("a") == plain
    assert await find(backend.store, "c1", room="a") is None


async def _every_operation(store: Store) -> None:
    """Walk each road through each script of the store."""
    base = await created(store)
    await store.create("demo", base.state, 1)
    stored = after(base, seated("a"), asking("b"))
    await store.commit(base.revision, write(stored, "c1", "c}2"))
    with pytest.raises(AlreadyKept):
        await store.commit(stored.revision, write(stored, "c1"))
    with pytest.raises(BaseMoved):
        await store.commit(base.revision, write(stored, "c3"))
    with pytest.raises(RoomNotFound):
        await store.commit(stored.revision, write(_elsewhere(stored), "c1"))
    assert await find(store, "c}2") is not None
    await put(store, "one")
    await put(store, "two")
    await put(store, "two")
    assert await store.read_document("demo", "x-score") is not None


def _elsewhere(stored: Stored) -> Stored:
    return msgspec.structs.replace(stored, room="nowhere")
