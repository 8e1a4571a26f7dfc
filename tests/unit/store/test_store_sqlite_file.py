"""The file: who may open it, and what is told to whoever may not."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_samples import START_MS, STATE, Clock

import store
from store.port import StoreUnusable
from store.sqlite import SqliteStore

ROOT = Path(store.__file__).parents[1]
OPEN_IT = """
import sys
from pathlib import Path
from store.port import StoreUnusable
from store.sqlite import SqliteStore
try:
    SqliteStore.open(Path(sys.argv[1]), lambda: 1)
except StoreUnusable as error:
    sys.exit(f"refused: {error}")
"""


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def open_and_close(path: Path, clock: Clock) -> None:
    """Open a store as a process of its own would, and close it."""
    asyncio.run(SqliteStore.open(path, clock).close())


async def test_folders_are_made_where_they_are_missing(tmp_path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(tmp_path / "a" / "b" / "rooms.db", clock)
    assert (await opened.create("demo", STATE, START_MS))[1]
    await opened.close()


async def test_second_handle_is_refused_while_the_first_is_open(path: Path, clock: Clock) -> None:
    first = SqliteStore.open(path, clock)
    for _ in range(2):
        with pytest.raises(StoreUnusable, match="in use"):
            SqliteStore.open(path, clock)
    stored, _ = await first.create("demo", STATE, START_MS)
    assert stored.position.epoch == START_MS
    await first.close()
    await SqliteStore.open(path, clock).close()


async def test_second_process_is_refused_while_the_first_lives(path: Path, clock: Clock) -> None:
    first = SqliteStore.open(path, clock)
    command = [sys.executable, "-c", OPEN_IT, str(path)]
    second = await asyncio.to_thread(run, command)
    assert second.returncode == 1
    assert second.stderr.startswith("refused: ")
    assert "in use" in second.stderr
    await first.close()
    third = await asyncio.to_thread(run, command)
    assert (third.returncode, third.stderr) == (0, "")


async def test_second_name_of_the_same_file_is_refused_too(path: Path, clock: Clock) -> None:
    first = SqliteStore.open(path, clock)
    alias = path.with_name("alias.db")
    alias.symlink_to(path)
    with pytest.raises(StoreUnusable, match="in use"):
        SqliteStore.open(alias, clock)
    await first.close()


async def test_refused_handle_does_not_raise_the_epoch(path: Path, clock: Clock) -> None:
    first = SqliteStore.open(path, clock)
    with pytest.raises(StoreUnusable):
        SqliteStore.open(path, clock)
    await first.close()
    second = SqliteStore.open(path, clock)
    stored, _ = await second.create("demo", STATE, START_MS)
    assert stored.position.epoch == START_MS + 1
    await second.close()


async def set_meta(path: Path, clock: Clock, sql: str) -> None:
    """Make a file of this release and change it by hand."""
    await SqliteStore.open(path, clock).close()
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    connection.close()


async def test_file_of_a_newer_release_is_refused(path: Path, clock: Clock) -> None:
    await set_meta(path, clock, "UPDATE meta SET value = 3 WHERE key = 'schema'")
    for _ in range(2):
        with pytest.raises(StoreUnusable, match=r"newer release .*schema 3"):
            SqliteStore.open(path, clock)
    connection = sqlite3.connect(path)
    assert dict(connection.execute("SELECT key, value FROM meta")) == {
        "schema": 3,
        "epoch": START_MS,
    }
    connection.close()


async def test_refused_file_of_a_newer_release_keeps_its_own_tables(
    path: Path, clock: Clock
) -> None:
    await set_meta(path, clock, "UPDATE meta SET value = 3 WHERE key = 'schema'")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE acks")
    connection.close()
    with pytest.raises(StoreUnusable):
        SqliteStore.open(path, clock)
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    connection.close()
    assert "acks" not in names


@pytest.mark.parametrize(
    "garbage",
    [
        b"not a database at all, but long enough to look like a file of some kind\n" * 50,
        os.urandom(8192),
        b"SQLite format 3\x00" + b"\xff" * 5000,
        b"SQLite format 3\x00",
    ],
    ids=["text", "random", "header", "short"],
)
def test_garbage_is_refused_and_left_alone(path: Path, clock: Clock, garbage: bytes) -> None:
    path.write_bytes(garbage)
    for _ in range(2):
        with pytest.raises(StoreUnusable, match=r"rooms\.db"):
            SqliteStore.open(path, clock)
    assert path.read_bytes() == garbage


def test_truncated_file_is_refused(path: Path, clock: Clock) -> None:
    open_and_close(path, clock)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + 100])
    with pytest.raises(StoreUnusable):
        SqliteStore.open(path, clock)


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE meta (name TEXT)",
        "CREATE TABLE meta (key TEXT, value TEXT); INSERT INTO meta VALUES ('schema', 'blue')",
        "CREATE TABLE meta (key TEXT, value TEXT); INSERT INTO meta VALUES ('epoch', 'late')",
        "CREATE TABLE bookmarks (url TEXT)",
    ],
)
def test_database_of_another_program_is_refused(path: Path, clock: Clock, table: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(table)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=r"rooms\.db belongs to another program"):
        SqliteStore.open(path, clock)
    assert path.read_bytes() == before
    path.unlink()
    open_and_close(path, clock)  # the lock was let go


def test_damaged_file_is_refused_and_the_message_says_what_to_do(path: Path, clock: Clock) -> None:
    open_and_close(path, clock)
    connection = sqlite3.connect(path)
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
        "INSERT INTO rooms SELECT 'room' || i, 1, 0, 1, 0, 0, zeroblob(3000), '{}' FROM n"
    )
    connection.commit()
    connection.close()
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 8192 * 4096
    whole[middle : middle + 64] = b"\xff" * 64
    path.write_bytes(whole)
    with pytest.raises(StoreUnusable, match=r"rooms\.db is damaged .* restore a backup"):
        SqliteStore.open(path, clock)
    assert path.read_bytes() == whole


def test_check_at_start_says_how_long_it_took(
    path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        open_and_close(path, clock)
    (line,) = [one for one in caplog.records if one.message == "store checked"]
    assert line.__dict__["file"] == str(path)
    assert line.__dict__["took_ms"] >= 0


def test_file_is_for_its_owner_alone(path: Path, clock: Clock) -> None:
    opened = SqliteStore.open(path, clock)
    made = sorted(one.name for one in path.parent.iterdir())
    assert made == ["rooms.db", "rooms.db-shm", "rooms.db-wal", "rooms.db.lock"]
    assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o600}
    asyncio.run(opened.close())


def test_empty_file_becomes_a_store(path: Path, clock: Clock) -> None:
    path.touch()
    open_and_close(path, clock)
    assert path.stat().st_size > 0


def test_folder_in_the_place_of_the_file_is_refused(path: Path, clock: Clock) -> None:
    path.mkdir()
    with pytest.raises(StoreUnusable, match=r"rooms\.db"):
        SqliteStore.open(path, clock)
    path.rmdir()
    open_and_close(path, clock)


def test_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusable):
        SqliteStore.open(tmp_path / "file" / "rooms.db", clock)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to a read-only folder")
def test_folder_without_access_is_refused(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(StoreUnusable):
        SqliteStore.open(folder / "rooms.db", clock)
