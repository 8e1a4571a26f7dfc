"""The file: its lock, its schema, its epoch and its connections.

=========  ==================================================================================
table      holds
=========  ==================================================================================
``meta``   ``schema`` and ``epoch``
``rooms``  one row a room: version, commit time in ms, the state as JSON
``acks``   one row an accepted command, kept for ``KEEP_ACKS_MS``
=========  ==================================================================================

The epoch is one for the whole file, raised at every start: SQLite can't see that the file was
restored from a backup, so continuity is never proven (DOMAIN.md 6).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from store.port import StoreUnusable

SCHEMA: Final = 1

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rooms (
    room TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    ts_ms INTEGER NOT NULL,
    state BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acks (
    room TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    cmd_id TEXT NOT NULL,
    kept_at_ms INTEGER NOT NULL,
    receipt BLOB NOT NULL,
    PRIMARY KEY (room, actor_id, cmd_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS acks_by_age ON acks (kept_at_ms);
"""


class Lock:
    """Keeps a second process off the file: two writers would mint the same positions."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise StoreUnusable(f"{path} is in use by another process") from None

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._file)


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection for use in one thread at a time, transactions begun by hand.

    ``synchronous=FULL`` in WAL mode syncs the log before a COMMIT returns.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")
    return connection


def prepare(connection: sqlite3.Connection, path: Path, now_ms: int) -> int:
    """Make the tables and raise the epoch.

    Returns:
        the epoch of this start: greater than any before it.

    Raises:
        StoreUnusable: the file was written by a newer release, or by another program.
    """
    meta = _read_meta(connection, path)
    if meta.get("schema", SCHEMA) > SCHEMA:
        raise StoreUnusable(
            f"{path} was written by a newer release (schema {meta['schema']}, known {SCHEMA})"
        )
    epoch = max(meta.get("epoch", 0) + 1, now_ms)
    connection.executescript(_TABLES)
    connection.execute("BEGIN IMMEDIATE")
    for row in (("schema", SCHEMA), ("epoch", epoch)):
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)
    connection.execute("COMMIT")
    return epoch


def _read_meta(connection: sqlite3.Connection, path: Path) -> dict[str, int]:
    """Read what the file says of itself, before anything in it is touched."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if "meta" not in tables:
        return {}
    meta: dict[str, object] = dict(connection.execute("SELECT key, value FROM meta"))
    numbers = {key: value for key, value in meta.items() if isinstance(value, int)}
    if numbers.keys() != meta.keys():
        raise StoreUnusable(f"{path} belongs to another program")
    return numbers
