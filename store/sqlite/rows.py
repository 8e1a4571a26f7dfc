"""Rows in and out: what one transaction reads and writes."""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from room.documents import State
from room.errors import RoomNotFound
from room.position import Position
from room.snapshot import Stored
from store.port import KEEP_ACKS_MS, AlreadyKept, BaseMoved, CommandKey, Committed, Receipt, Write

_STATE: Final = msgspec.json.Decoder(State)
_RECEIPT: Final = msgspec.json.Decoder(Receipt)


def read_room(connection: sqlite3.Connection, epoch: int, room: str) -> Stored | None:
    """Give a room, or None."""
    row = connection.execute(
        "SELECT version, ts_ms, state FROM rooms WHERE room = ?", (room,)
    ).fetchone()
    if row is None:
        return None
    version, ts_ms, state = row
    return Stored(room, _STATE.decode(state), Position(epoch, version), ts_ms)


def read_receipt(connection: sqlite3.Connection, room: str, key: CommandKey) -> Receipt | None:
    """Find the ack of an accepted command."""
    row = connection.execute(
        "SELECT receipt FROM acks WHERE room = ? AND actor_id = ? AND cmd_id = ?",
        (room, key.actor_id, key.cmd_id),
    ).fetchone()
    return None if row is None else _RECEIPT.decode(row[0])


def create_room(
    connection: sqlite3.Connection, epoch: int, room: str, state: State, ts_ms: int
) -> tuple[Stored, bool]:
    """Insert version 1 of a room, unless it is there."""
    held = read_room(connection, epoch, room)
    if held is not None:
        return held, False
    connection.execute(
        "INSERT INTO rooms VALUES (?, 1, ?, ?)", (room, ts_ms, msgspec.json.encode(state))
    )
    return Stored(room, state, Position(epoch, 1), ts_ms), True


def commit_write(
    connection: sqlite3.Connection,
    epoch: int,
    room: str,
    base: Position,
    write: Write,
    now_ms: int,
) -> Committed:
    """Check and write one command; raises before the first row is touched."""
    kept = read_receipt(connection, room, write.key)
    if kept is not None:
        raise AlreadyKept(kept)
    held = read_room(connection, epoch, room)
    if held is None:
        raise RoomNotFound(room)
    if held.position != base:
        raise BaseMoved("the room has changed meanwhile", position=held.position)
    if write.state is not None:
        held = Stored(room, write.state, Position(epoch, base.version + 1), write.ts_ms)
    receipt = msgspec.structs.replace(write.receipt, position=held.position)
    ack = (room, write.key.actor_id, write.key.cmd_id, now_ms, msgspec.json.encode(receipt))
    if write.state is not None:
        connection.execute(
            "UPDATE rooms SET version = ?, ts_ms = ?, state = ? WHERE room = ?",
            (held.position.version, held.ts_ms, msgspec.json.encode(held.state), room),
        )
    connection.execute("INSERT INTO acks VALUES (?, ?, ?, ?, ?)", ack)
    return Committed(held, receipt)


def forget_old_receipts(connection: sqlite3.Connection, now_ms: int) -> None:
    """Drop acks past their time."""
    connection.execute("DELETE FROM acks WHERE kept_at_ms < ?", (now_ms - KEEP_ACKS_MS,))
