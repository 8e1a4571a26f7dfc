"""What stands in the file, how it came there, and whether it may be used.

=============  ================================================================================
table          holds
=============  ================================================================================
``meta``       ``schema`` and ``epoch``
``rooms``      one row a room: where its two documents stand, whether anybody is seated, and
               both documents as JSON
``acks``       one row an accepted command, kept for ``KEEP_ACKS_MS``
``documents``  one row an ``x-`` document
=============  ================================================================================

The epoch is one for the whole file, raised at every start: SQLite can't see that the file was
restored from a backup, so continuity is never proven (DOMAIN.md 6).

``rooms`` and ``documents`` have rowids, since their rows are long: without one a row over a quarter
of a page is cut in two. Schema 1 had ``rooms`` without requests, and no ``documents``.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path
from typing import Final

from store.port import StoreUnusable

log = logging.getLogger(__name__)

SCHEMA: Final = 2

_META: Final = "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"
_ROOMS: Final = """
CREATE TABLE rooms (
    room TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    ts_ms INTEGER NOT NULL,
    requests_version INTEGER NOT NULL,
    requests_ts_ms INTEGER NOT NULL,
    seated INTEGER NOT NULL,
    state BLOB NOT NULL,
    requests BLOB NOT NULL
)"""
_ACKS: Final = """
CREATE TABLE acks (
    room TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    cmd_id TEXT NOT NULL,
    kept_at_ms INTEGER NOT NULL,
    receipt BLOB NOT NULL,
    PRIMARY KEY (room, actor_id, cmd_id)
) WITHOUT ROWID"""
_ACKS_BY_AGE: Final = "CREATE INDEX acks_by_age ON acks (kept_at_ms)"
_DOCUMENTS: Final = """
CREATE TABLE documents (
    room TEXT NOT NULL,
    doc TEXT NOT NULL,
    version INTEGER NOT NULL,
    ts_ms INTEGER NOT NULL,
    data BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    PRIMARY KEY (room, doc)
)"""

# a room whose JSON is broken stays one broken room: it is found when it is read
_ROOMS_OF_SCHEMA_1: Final = """
INSERT INTO rooms SELECT room, version, ts_ms, 1, ts_ms, CASE
    WHEN json_valid(CAST(state AS TEXT)) THEN EXISTS (
        SELECT 1 FROM json_each(CAST(state AS TEXT), '$.seats')
        WHERE json_extract(value, '$.occupant') IS NOT NULL)
    ELSE 0
END, state, CAST('{}' AS BLOB) FROM rooms_of_schema_1"""


def prepare(connection: sqlite3.Connection, path: Path, now_ms: int) -> int:
    """Check the file, bring its tables up to date, and raise the epoch.

    Returns:
        the epoch of this start: greater than any before it.

    Raises:
        StoreUnusable: the file is damaged, or was written by a newer release or another program.
        sqlite3.Error: it is no database, or can't be written.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    meta = _read_meta(connection, path, tables)
    schema = meta.get("schema", 1 if "rooms" in tables else 0)
    if schema > SCHEMA:
        raise StoreUnusable(
            f"{path} was written by a newer release (schema {schema}, known {SCHEMA})"
        )
    _check(connection, path)
    epoch = max(meta.get("epoch", 0) + 1, now_ms)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _statements(schema, tables):
        connection.execute(statement)
    for row in (("schema", SCHEMA), ("epoch", epoch)):
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)
    connection.execute("COMMIT")
    if schema not in (0, SCHEMA):
        log.info("store brought up to date", extra={"file": str(path), "schema": SCHEMA})
    return epoch


def _statements(schema: int, tables: set[str]) -> list[str]:
    """List what makes a file of an older schema one of this; 0: an empty file."""
    if schema == SCHEMA:
        return []
    if schema == 0:
        made = [_META, _ACKS, _ACKS_BY_AGE, _ROOMS, _DOCUMENTS]
        return [one for one in made if one is not _META or "meta" not in tables]
    moved = ["ALTER TABLE rooms RENAME TO rooms_of_schema_1", _ROOMS, _ROOMS_OF_SCHEMA_1]
    missing = [] if "acks" in tables else [_ACKS, _ACKS_BY_AGE]
    return [*moved, "DROP TABLE rooms_of_schema_1", *missing, _DOCUMENTS]


def _read_meta(connection: sqlite3.Connection, path: Path, tables: set[str]) -> dict[str, int]:
    """Read what the file says of itself, before anything in it is touched."""
    if not tables:
        return {}
    foreign = StoreUnusable(f"{path} belongs to another program")
    columns = [column for _, column, *_ in connection.execute("PRAGMA table_info(meta)")]
    if columns != ["key", "value"]:
        raise foreign
    meta: dict[str, object] = dict(connection.execute("SELECT key, value FROM meta"))
    numbers = {key: value for key, value in meta.items() if isinstance(value, int)}
    if numbers.keys() != meta.keys():
        raise foreign
    return numbers


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Read the whole file once: what is damaged must not be served, or written on."""
    before = time.monotonic()
    try:
        ((verdict,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        verdict = verdict.splitlines()[-1]
        raise StoreUnusable(
            f"{path} is damaged ({verdict}); restore a backup in its place, or move it and its "
            "-wal away to begin with no rooms"
        )
    took_ms = round((time.monotonic() - before) * 1000)
    log.info("store checked", extra={"file": str(path), "took_ms": took_ms})
