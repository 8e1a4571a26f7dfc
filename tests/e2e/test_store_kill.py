"""``kill -9`` in the middle of writing: whatever was acknowledged is on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import pytest
import store_writer

import store
from room.position import Position, parse_position
from store.port import CommandKey
from store.sqlite import SqliteStore

ROOT = Path(store.__file__).parents[1]
WRITERS = 4


class Acks(NamedTuple):
    """What was acknowledged, and at which position."""

    states: dict[str, Position]
    documents: dict[str, Position]

    def add(self, line: str) -> None:
        kind, name, position = line.split()
        (self.states if kind == "state" else self.documents)[name] = parse_position(position)


@contextmanager
def writing(path: Path, run: int) -> Iterator[subprocess.Popen[str]]:
    """A process that writes until it is killed."""
    command = [sys.executable, store_writer.__file__, str(path), f"run{run}", str(WRITERS)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def acks_until_killed(stdout: IO[str], child: subprocess.Popen[str], count: int) -> Acks:
    """Read some acks, kill the writer at once, and read what it had said before it died."""
    acks = Acks({}, {})
    for _ in range(count):
        acks.add(stdout.readline())
    child.kill()
    for line in stdout.read().splitlines(keepends=True):
        if line.endswith("\n"):  # a line that the kill cut short is no ack
            acks.add(line)
    return acks


async def check_nothing_is_lost(path: Path, acks: Acks, fresh: Acks) -> Position:
    """Find every acknowledged version and receipt in the file; gives where the room stands."""
    opened = SqliteStore.open(path, lambda: 1)
    try:
        keys = [CommandKey("alice", cmd_id) for cmd_id in acks.states]
        consulted = await opened.consult(store_writer.ROOM, keys)
        assert {key.cmd_id: one.position for key, one in consulted.receipts.items()} == acks.states
        for key, receipt in consulted.receipts.items():
            assert receipt.fingerprint == key.cmd_id.encode()
        held = consulted.stored
        assert held is not None
        if acks.states:
            newest = max(acks.states.values())
            assert held.position > newest
            assert newest.version <= held.position.version <= newest.version + WRITERS
            if held.position.version == newest.version:
                names = [name for name, at in acks.states.items() if at == newest]
                assert held.state.owner_id == f"owner-{min(names)}"
        await check_document(opened, fresh.documents)
        return held.position
    finally:
        await opened.close()


async def check_document(opened: SqliteStore, fresh: dict[str, Position]) -> None:
    """The document of the newest ack is there, or the one that was on its way after it."""
    document = await opened.read_document(store_writer.ROOM, store_writer.DOC)
    if not fresh:
        return
    assert document is not None
    text, newest = max(fresh.items(), key=lambda item: item[1])
    assert document.position > newest
    assert newest.version <= document.position.version <= newest.version + 1
    if document.position.version == newest.version:
        assert document.fingerprint == text.encode()


def check_versions(fresh: dict[str, Position], older: dict[str, Position], *, each: int) -> None:
    """Versions of one run: one epoch, each once, none left out, all after those before."""
    positions = sorted(fresh.values())
    if not positions:
        return
    assert len({position.epoch for position in positions}) == 1
    assert positions[0] > max(older.values(), default=Position(0, 0))
    versions = [position.version for position in positions]
    first, last = versions[0], versions[-1]
    for version in range(first, last):
        assert versions.count(version) == each
    assert 1 <= versions.count(last) <= each  # the kill came between the lines of one ack


async def kill_again_and_again(path: Path, kills: int) -> None:
    acks, held = Acks({}, {}), Position(0, 0)
    for run in range(kills):
        with writing(path, run) as child:
            assert child.stdout is not None
            fresh = acks_until_killed(child.stdout, child, count=1 + run % 7 * 10)
        check_versions(fresh.states, acks.states, each=3)
        check_versions(fresh.documents, acks.documents, each=1)
        acks.states.update(fresh.states)
        acks.documents.update(fresh.documents)
        after = await check_nothing_is_lost(path, acks, fresh)
        assert after > held
        held = after


async def test_acknowledged_commits_survive_kill_9(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path / "rooms.db", kills=10)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_acknowledged_commits_survive_a_hundred_kills(tmp_path: Path) -> None:
    await kill_again_and_again(tmp_path / "rooms.db", kills=100)
