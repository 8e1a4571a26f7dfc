"""Many rows in one statement: a group of commits costs one call into SQLite.

Python's ``sqlite3`` lets go of the interpreter lock in every call, and beside a busy event loop it
may get it back only after the switch interval of 5 ms: with two calls a commit a group waits for it
again and again. So all rows of a group are bound to one ``INSERT`` into a view whose triggers
put each row into its table. Outside of a transaction a statement is one: begun, committed, synced
to disk, and rolled back where it fails.

====  =============  ===================================================================
kind  table          a to h
====  =============  ===================================================================
0     ``rooms``      the columns of the table
1     ``acks``       the columns of the table
2     ``documents``  the columns of the table
3     ``acks``       a: drop those kept before, at most ``FORGET_ROWS`` of them
====  =============  ===================================================================
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import Any, Final

Row = tuple[Any, ...]
"""Kind and a to h."""

ROOM: Final = 0
ACK: Final = 1
DOCUMENT: Final = 2
FORGET: Final = 3

LARGEST_STATEMENT_ROWS: Final = 1024
FORGET_ROWS: Final = 2 * LARGEST_STATEMENT_ROWS
"""More than a statement adds, so that a backlog shrinks."""

_NOTHING: Final[Row] = (None,) * 9

_VIEW: Final = f"""
CREATE TEMP VIEW batch AS
    SELECT NULL AS kind, NULL AS a, NULL AS b, NULL AS c, NULL AS d,
           NULL AS e, NULL AS f, NULL AS g, NULL AS h;
CREATE TEMP TRIGGER put_room INSTEAD OF INSERT ON batch WHEN NEW.kind = {ROOM} BEGIN
    INSERT INTO rooms VALUES (NEW.a, NEW.b, NEW.c, NEW.d, NEW.e, NEW.f, NEW.g, NEW.h)
    ON CONFLICT (room) DO UPDATE SET
        version = excluded.version, ts_ms = excluded.ts_ms,
        requests_version = excluded.requests_version, requests_ts_ms = excluded.requests_ts_ms,
        seated = excluded.seated, state = excluded.state, requests = excluded.requests;
END;
CREATE TEMP TRIGGER put_ack INSTEAD OF INSERT ON batch WHEN NEW.kind = {ACK} BEGIN
    INSERT OR REPLACE INTO acks VALUES (NEW.a, NEW.b, NEW.c, NEW.d, NEW.e);
END;
CREATE TEMP TRIGGER put_document INSTEAD OF INSERT ON batch WHEN NEW.kind = {DOCUMENT} BEGIN
    INSERT INTO documents VALUES (NEW.a, NEW.b, NEW.c, NEW.d, NEW.e, NEW.f)
    ON CONFLICT (room, doc) DO UPDATE SET
        version = excluded.version, ts_ms = excluded.ts_ms,
        data = excluded.data, fingerprint = excluded.fingerprint;
END;
CREATE TEMP TRIGGER forget_acks INSTEAD OF INSERT ON batch WHEN NEW.kind = {FORGET} BEGIN
    DELETE FROM acks WHERE (room, actor_id, cmd_id) IN (
        SELECT room, actor_id, cmd_id FROM acks WHERE kept_at_ms < NEW.a
        ORDER BY kept_at_ms LIMIT {FORGET_ROWS});
END;
"""  # noqa: S608 - numbers of this file


def install(connection: sqlite3.Connection) -> None:
    """Make the view; it lives as long as the connection."""
    connection.executescript(_VIEW)


def write(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Write rows, all of them or none; on disk when this returns.

    Raises:
        sqlite3.Error: nothing was written.
    """
    if connection.in_transaction:  # a roll-back failed: once more, before all else
        connection.execute("ROLLBACK")
    if not rows:  # somebody waits for the group before
        return
    if len(rows) <= LARGEST_STATEMENT_ROWS:
        _insert(connection, rows)
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for start in range(0, len(rows), LARGEST_STATEMENT_ROWS):
            _insert(connection, rows[start : start + LARGEST_STATEMENT_ROWS])
        connection.execute("COMMIT")
    except sqlite3.Error:
        with suppress(sqlite3.Error):  # where this fails the next group begins with it
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    size = _size(len(rows))
    padded = chain(rows, [_NOTHING] * (size - len(rows)))
    connection.execute(_statement(size), tuple(chain.from_iterable(padded)))


def _size(count: int) -> int:
    """Round up by an eighth at most: few statements, so that all of them stay prepared."""
    step = 1 << max(0, count.bit_length() - 4)
    return -(-count // step) * step


@cache
def _statement(size: int) -> str:
    return "INSERT INTO batch VALUES " + ",".join(["(?,?,?,?,?,?,?,?,?)"] * size)  # noqa: S608 - no values
