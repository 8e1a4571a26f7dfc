"""A store whose disk fills up and is given room again, without a restart.

usage: python store_full.py FILE: the disk is full by a limit on the size of any file (setrlimit(2))
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from room.documents import State
from room.errors import Unavailable
from room.position import Position
from room.snapshot import Stored
from store.port import CommandKey, Kept, Receipt, Write
from store.sqlite import SqliteStore

LARGE = "x" * 50_000


def grown(base: Stored, cmd_id: str) -> Write:
    """A write of some 50 KB."""
    position = Position(base.position.epoch, base.position.version + 1)
    after = msgspec.structs.replace(base, state=State(cmd_id, admins=(LARGE,)), position=position)
    return Write(after, (Kept(CommandKey("alice", cmd_id), Receipt(b"", True, {}, position)),))


async def commit_until_refused(store: SqliteStore, base: Stored, name: str) -> tuple[Stored, str]:
    """Commit until the disk is full; gives the last room that was accepted, and what was not."""
    for number in range(1000):
        asked = grown(base, f"{name}-{number}")
        try:
            await store.commit(base.revision, asked)
        except Unavailable:
            return base, f"{name}-{number}"
        base = asked.stored
    raise AssertionError("the disk is not full")


async def fill_and_free(path: Path, fill: Callable[[], None], free: Callable[[], None]) -> None:
    """Go through a full disk and out again."""
    store = SqliteStore.open(path, lambda: 1)
    stored, _ = await store.create("demo", State("alice"), 1)
    quiet, _ = await store.create("quiet", State("alice"), 1)
    for name in ("first", "second"):
        fill()
        stored, refused = await commit_until_refused(store, stored, name)
        for _ in range(3):
            try:
                await store.commit(stored.revision, grown(stored, refused))
            except Unavailable:
                continue
            raise AssertionError("written to a full disk")
        consulted = await store.consult("demo", [CommandKey("alice", refused)])
        assert consulted.stored == stored
        assert consulted.receipts == {}
        assert await store.read("quiet") == quiet
        free()
        asked = grown(stored, refused + "-again")
        await store.commit(stored.revision, asked)
        stored = asked.stored
        assert await store.read("demo") == stored
    await store.close()
    store = SqliteStore.open(path, lambda: 1)
    held = await store.read("demo")
    assert held is not None
    assert (held.state, held.position.version) == (stored.state, stored.position.version)
    await store.close()


def main(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        largest = max(one.stat().st_size for one in path.parent.iterdir())
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 200_000, hard))

    def free() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    asyncio.run(fill_and_free(path, fill, free))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
