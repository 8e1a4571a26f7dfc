"""Files of the first release open in this one, with everything that was in them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlite_samples import START_MS, Clock, find, give

from room.documents import Requests, State
from room.errors import Unreadable
from room.position import Position
from store.leases import Seated
from store.port import StoreUnusable
from store.sqlite import SqliteStore

SCHEMA_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rooms (
    room TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    ts_ms INTEGER NOT NULL,
    state BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE acks (
    room TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    cmd_id TEXT NOT NULL,
    kept_at_ms INTEGER NOT NULL,
    receipt BLOB NOT NULL,
    PRIMARY KEY (room, actor_id, cmd_id)
) WITHOUT ROWID;
CREATE INDEX acks_by_age ON acks (kept_at_ms);
"""
META_1 = f"INSERT INTO meta VALUES ('schema', 1), ('epoch', {START_MS + 70})"  # noqa: S608 - a number
LIVE = (
    b'{"owner_id":"alice","kind":"voice","seat_count":null,"room_seat_mode":"free","seat_mode":'
    b'"free","admins":["carol"],"session":{"session_id":"s1","kind":"voice","started_at_ms":5},'
    b'"seats":[{"locked":false,"audio_locked":false,"occupant":null},{"locked":true,'
    b'"audio_locked":false,"occupant":{"participation_id":"p1","person":{"user_id":"bob",'
    b'"nickname":"B\xc3\xb6b","avatar":""},"since_ms":6,"mic_on":true,"link":"ok"}}],'
    b'"muted_users":["dave"],"cooldowns":[{"user_id":"erin","until_ms":9}]}'
)
RECEIPT = '{"fingerprint":"AAEC","changed":true,"result":{"seat_index":1},"position":[%d,41]}'


@pytest.fixture
def old(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(SCHEMA_1)
    return connection


async def test_file_of_the_first_release_opens_with_all_that_was_in_it(
    path: Path, clock: Clock, old: sqlite3.Connection
) -> None:
    old.execute(META_1)
    insert = "INSERT INTO rooms VALUES (?, ?, ?, ?)"
    old.execute(insert, ("demo", 41, START_MS - 5, LIVE))
    old.execute(insert, ("quiet", 1, 3, b'{"owner_id":"alice"}'))
    old.execute(insert, ("broken", 2, 3, b'{"owner_id":'))
    receipt = (RECEIPT % (START_MS + 70)).encode()
    old.execute("INSERT INTO acks VALUES ('demo', 'bob', 'c1', ?, ?)", (START_MS, receipt))
    old.execute("INSERT INTO acks VALUES ('demo', 'alice', 'c2', ?, ?)", (START_MS, receipt))
    old.close()
    opened = SqliteStore.open(path, clock)
    assert opened.taken() == [Seated("demo", "bob")]
    held = await opened.read("demo")
    assert held is not None
    assert held.position == Position(START_MS + 71, 41)
    assert held.ts_ms == START_MS - 5
    assert held.state.seats[1].occupant is not None
    assert held.state.seats[1].occupant.person.nickname == "B\u00f6b"
    assert held.state.cooldowns[0].user_id == "erin"
    assert (held.requests, held.requests_version) == (Requests(), 1)
    kept = await find(opened, "c2")
    assert kept is not None
    assert (kept.fingerprint, kept.position) == (b"\x00\x01\x02", Position(START_MS + 70, 41))
    with pytest.raises(Unreadable):
        await opened.read("broken")
    assert (await opened.put_document("quiet", "x-a", b"{}", b"", 1))[1]
    after = await give(opened, held, "c3")
    await opened.close()
    opened = SqliteStore.open(path, clock)
    held = await opened.read("demo")
    assert held is not None
    assert (held.state, held.position) == (State("bob"), Position(START_MS + 72, 42))
    assert held.position > after.position
    await opened.close()


async def test_first_release_that_was_killed_before_its_first_room_is_no_obstacle(
    path: Path, clock: Clock, old: sqlite3.Connection
) -> None:
    old.execute("DROP TABLE acks")
    old.close()
    opened = SqliteStore.open(path, clock)
    assert (await opened.create("demo", State("alice"), 1))[1]
    assert await opened.put_document("demo", "x-a", b"{}", b"", 1)
    await opened.close()


async def test_migration_that_fails_leaves_the_old_file(
    path: Path, clock: Clock, old: sqlite3.Connection
) -> None:
    old.execute(META_1)
    old.execute("INSERT INTO rooms VALUES ('demo', 41, 5, ?)", (LIVE,))
    old.execute("CREATE TABLE documents (whatever)")
    with pytest.raises(StoreUnusable, match=r"rooms\.db"):
        SqliteStore.open(path, clock)
    assert old.execute("SELECT room, version FROM rooms").fetchall() == [("demo", 41)]
    assert dict(old.execute("SELECT * FROM meta")) == {"schema": 1, "epoch": START_MS + 70}
    old.execute("DROP TABLE documents")
    old.close()
    opened = SqliteStore.open(path, clock)
    assert await opened.read("demo") is not None
    await opened.close()
