"""``kill -9`` in the middle of writing: whatever was acknowledged is on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

import store
from room.position import Position
from store.port import CommandKey
from store.sqlite import SqliteStore

ROOT = Path(store.__file__).parents[1]
WRITERS = 4

COMMIT_FOR_EVER = """
import asyncio
import sys
import time
from pathlib import Path

from room.documents import State
from store.port import BaseMoved, CommandKey, Receipt, Write
from store.sqlite import SqliteStore

RUN = sys.argv[2]


def clock():
    return time.time_ns() // 1_000_000


async def write_for_ever(store, writer):
    number = 0
    while True:
        held = await store.read("demo")
        cmd_id = f"{RUN}-{writer}-{number}"
        state = State(f"owner-{cmd_id}")
        receipt = Receipt(cmd_id.encode(), True, {"number": number})
        try:
            committed = await store.commit(
                "demo", held.position, Write(clock(), CommandKey("alice", cmd_id), receipt, state)
            )
        except BaseMoved:
            continue
        print(cmd_id, committed.stored.position, flush=True)
        number += 1


async def main():
    store = SqliteStore.open(Path(sys.argv[1]), clock)
    await store.create("demo", State("alice"), clock())
    async with asyncio.TaskGroup() as tasks:
        for writer in range(int(sys.argv[3])):
            tasks.create_task(write_for_ever(store, writer))


asyncio.run(main())
"""


@contextmanager
def writing(path: Path, run: int) -> Iterator[subprocess.Popen[str]]:
    """A process that writes until it is killed."""
    command = [sys.executable, "-c", COMMIT_FOR_EVER, str(path), f"run{run}", str(WRITERS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def read_ack(line: str) -> tuple[str, Position]:
    cmd_id, position = line.split()
    epoch, version = position.split(".")
    return cmd_id, Position(int(epoch), int(version))


def acks_until_killed(
    stdout: IO[str], child: subprocess.Popen[str], count: int
) -> dict[str, Position]:
    """Read some acks, kill the writer at once, and read what it had said before it died."""
    acks = dict(read_ack(stdout.readline()) for _ in range(count))
    child.kill()
    rest = stdout.read()
    # a line that the kill cut short is no ack
    acks.update(read_ack(line) for line in rest.splitlines(keepends=True) if line.endswith("\n"))
    return acks


async def check_nothing_is_lost(path: Path, acks: dict[str, Position]) -> Position:
    """Find every acknowledged version and receipt in the file; gives where the room stands."""
    opened = SqliteStore.open(path, lambda: 1)
    try:
        held = await opened.read("demo")
        assert held is not None
        for cmd_id, position in acks.items():
            receipt = await opened.recall("demo", CommandKey("alice", cmd_id))
            assert receipt is not None
            assert receipt.position == position
            assert receipt.fingerprint == cmd_id.encode()
        newest = max(acks.values())
        assert held.position.version >= newest.version
        assert held.position > newest
        if held.position.version == newest.version:
            (cmd_id,) = [name for name, position in acks.items() if position == newest]
            assert held.state.owner_id == f"owner-{cmd_id}"
        return held.position
    finally:
        await opened.close()


async def kill_again_and_again(path: Path, kills: int) -> None:
    acks: dict[str, Position] = {}
    for run in range(kills):
        with writing(path, run) as child:
            assert child.stdout is not None
            fresh = acks_until_killed(child.stdout, child, count=1 + run % 7 * 5)
        versions = sorted(position.version for position in fresh.values())
        assert versions == list(range(versions[0], versions[0] + len(versions)))
        assert len({position.epoch for position in fresh.values()}) == 1
        assert min(fresh.values()) > max(acks.values(), default=Position(0, 0))
        acks.update(fresh)
        held = await check_nothing_is_lost(path, acks)
        assert held.version <= 1 + len(acks) + (run + 1) * WRITERS


async def test_acknowledged_commits_survive_kill_9(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path / "rooms.db", kills=5)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_acknowledged_commits_survive_a_hundred_kills(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path / "rooms.db", kills=100)
