"""Values into rows and out of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec

from room.documents import Requests, State
from room.errors import InvalidArgument
from room.position import Position
from room.snapshot import Stored, StoredDocument
from store.leases import Seated
from store.port import KEEP_ACKS_MS, CommandKey, Receipt
from store.sqlite.batch import ACK, DOCUMENT, FORGET, ROOM, Row

_encode: Final = msgspec.json.Encoder().encode
_STATE: Final = msgspec.json.Decoder(State)
_REQUESTS: Final = msgspec.json.Decoder(Requests)
_RECEIPT: Final = msgspec.json.Decoder(Receipt)

decode_receipt: Final = _RECEIPT.decode

AckKey = tuple[str, str, str]
"""Room, actor and command."""


class Found(NamedTuple):
    """A room on disk, and the names of its ``x-`` documents."""

    stored: Stored
    docs: frozenset[str]


def ack_key(room: str, key: CommandKey) -> AckKey:
    """Name an ack in the file."""
    return room, key.actor_id, key.cmd_id


def room_row(stored: Stored) -> Row:
    """Encode a room.

    Raises:
        InvalidArgument: a text in it is half a surrogate pair, which has no UTF-8.
    """
    state = stored.state
    try:
        return (
            ROOM,
            check_text(stored.room),
            stored.position.version,
            stored.ts_ms,
            stored.requests_version,
            stored.requests_ts_ms,
            any(seat.occupant is not None for seat in state.seats),
            _encode(state),
            _encode(stored.requests),
        )
    except UnicodeEncodeError as error:
        raise InvalidArgument("a name or a text is not UTF-8") from error


def ack_row(key: AckKey, receipt: Receipt, now_ms: int) -> Row:
    """Encode an ack.

    Raises:
        InvalidArgument: a text in it is half a surrogate pair.
    """
    try:
        encoded = _encode(receipt)
    except UnicodeEncodeError as error:
        raise InvalidArgument("a name or a text is not UTF-8") from error
    room, actor_id, cmd_id = key
    check_text(cmd_id)
    check_text(actor_id)
    return ACK, room, actor_id, cmd_id, now_ms, encoded, None, None, None


def document_row(document: StoredDocument) -> Row:
    """Encode an ``x-`` document."""
    return (
        DOCUMENT,
        document.room,
        check_text(document.doc),
        document.position.version,
        document.ts_ms,
        document.data,
        document.fingerprint,
        None,
        None,
    )


def forget_row(now_ms: int) -> Row:
    """Ask for acks past their time to be dropped."""
    return (FORGET, now_ms - KEEP_ACKS_MS, *[None] * 7)


def check_text(text: str) -> str:
    """Give a text back if it has UTF-8; one that has not would fail its whole group."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument("a name or a text is not UTF-8") from error
    return text


def read_room(connection: sqlite3.Connection, epoch: int, room: str) -> Found | None:
    """Read a room."""
    row = connection.execute(
        "SELECT version, ts_ms, requests_version, requests_ts_ms, state, requests "
        "FROM rooms WHERE room = ?",
        (room,),
    ).fetchone()
    if row is None:
        return None
    version, ts_ms, requests_version, requests_ts_ms, state, requests = row
    docs = connection.execute("SELECT doc FROM documents WHERE room = ?", (room,)).fetchall()
    stored = Stored(
        room,
        _STATE.decode(state),
        Position(epoch, version),
        ts_ms,
        _REQUESTS.decode(requests),
        requests_version,
        requests_ts_ms,
    )
    return Found(stored, frozenset(doc for (doc,) in docs))


def read_document(
    connection: sqlite3.Connection, epoch: int, room: str, doc: str
) -> StoredDocument | None:
    """Read an ``x-`` document."""
    row = connection.execute(
        "SELECT version, ts_ms, data, fingerprint FROM documents WHERE room = ? AND doc = ?",
        (room, doc),
    ).fetchone()
    if row is None:
        return None
    version, ts_ms, data, fingerprint = row
    return StoredDocument(room, doc, Position(epoch, version), ts_ms, data, fingerprint)


def read_acks(connection: sqlite3.Connection, keys: Iterable[AckKey]) -> dict[AckKey, bytes]:
    """Read the acks of those commands that have one."""
    found: dict[AckKey, bytes] = {}
    for key in keys:
        row = connection.execute(
            "SELECT receipt FROM acks WHERE room = ? AND actor_id = ? AND cmd_id = ?", key
        ).fetchone()
        if row is not None:
            found[key] = row[0]
    return found


def newest_acks(
    connection: sqlite3.Connection, since_ms: int, limit: int
) -> list[tuple[AckKey, int, bytes]]:
    """Read the acks kept since then, the newest first."""
    cursor = connection.execute(
        "SELECT room, actor_id, cmd_id, kept_at_ms, receipt FROM acks WHERE kept_at_ms >= ? "
        "ORDER BY kept_at_ms DESC LIMIT ?",
        (since_ms, limit),
    )
    return [((room, actor, cmd), kept_at, receipt) for room, actor, cmd, kept_at, receipt in cursor]


def read_taken(connection: sqlite3.Connection) -> Iterable[Seated]:
    """Read who is on a seat of any room; rooms that can't be read are passed over."""
    for room, state in connection.execute("SELECT room, state FROM rooms WHERE seated"):
        try:
            users = _STATE.decode(state).seated_users()
        except msgspec.MsgspecError:
            continue  # one broken room is no reason not to start; its reader is told
        yield from (Seated(room, user_id) for user_id in sorted(users))
