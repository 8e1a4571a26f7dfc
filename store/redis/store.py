"""The store on Redis: one script an operation, each fenced by the primary's history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from room.documents import Requests, State
from room.errors import InvalidArgument, RoomNotFound, SeatsyncError, Unavailable
from room.snapshot import Revision, Stored, StoredDocument
from store.port import (
    KEEP_ACKS_MS,
    MAX_DOCUMENTS,
    AlreadyKept,
    BaseMoved,
    CommandKey,
    Consulted,
    Precondition,
    Write,
)
from store.redis import replies
from store.redis.keys import ack_key, document_key, documents_key, room_key
from store.redis.link import Link, Word
from store.redis.script import (
    COMMIT,
    CONSULT,
    CREATE,
    HEAL,
    PUT_DOCUMENT,
    READ_DOCUMENT,
    Script,
)


class RedisStore:
    """Rooms on a Redis primary; what an ack outlives is its persistence setting.

    Only ``appendfsync always`` keeps every acknowledged write when the server is killed: with
    ``everysec`` a write waits in memory while a sync is under way (2 of 150 kills lost one).

    A room's epoch is its own: raised where the primary's history is no longer the one that the
    room was last written in. No operation is sent twice; where a reply is lost the caller hears
    ``Unavailable``, and the keys of the acks tell a resend what became of it.
    """

    def __init__(self, link: Link) -> None:
        self._link = link

    async def read(self, room: str) -> Stored | None:
        """Give a room, or None."""
        return (await self.consult(room, ())).stored

    async def consult(self, room: str, keys: Sequence[CommandKey]) -> Consulted:
        """Give a room, and the acks of these commands if they were accepted lately."""
        names = [room_key(room), *(ack_key(room, key) for key in keys)]
        _, fields, receipts = await self._fenced(CONSULT, room, names)
        return Consulted(
            None if fields is None else replies.read_room(room, fields),
            replies.read_receipts(keys, receipts),
        )

    async def create(self, room: str, state: State, ts_ms: int) -> tuple[Stored, bool]:
        """Commit version 1 of a room's documents, unless it is there."""
        requests = Requests()
        status, answer = await CREATE.run(
            self._link, [room_key(room)], ts_ms, _json(state), _json(requests)
        )
        if status == b"held":
            return replies.read_room(room, answer), False
        return Stored(
            room, state, replies.read_position((answer, b"1")), ts_ms, requests, 1, ts_ms
        ), True

    async def commit(self, base: Revision, write: Write) -> None:
        """Commit what was computed from ``base``; the primary has it when this returns."""
        stored = write.stored
        keys = [ack.key for ack in write.acks]
        status, *answer = await COMMIT.run(
            self._link,
            [room_key(stored.room), *(ack_key(stored.room, key) for key in keys)],
            *base,
            *_changes(base, stored),
            KEEP_ACKS_MS,
            *(_json(ack.receipt) for ack in write.acks),
        )
        if status == b"kept":
            raise AlreadyKept(replies.read_receipts(keys, answer[0]))
        if status == b"missing":
            raise RoomNotFound(stored.room)
        if status == b"moved":
            held = replies.read_position(answer)
            raise BaseMoved("the room has changed meanwhile", position=held)

    async def read_document(self, room: str, doc: str) -> StoredDocument | None:
        """Give an ``x-`` document, or None where the room or the document is not there."""
        names = [room_key(room), document_key(room, doc)]
        status, *fields = await self._fenced(READ_DOCUMENT, room, names)
        return None if status == b"missing" else replies.read_document(room, doc, fields)

    async def put_document(
        self,
        room: str,
        doc: str,
        data: bytes,
        fingerprint: bytes,
        ts_ms: int,
        precondition: Precondition | None = None,
    ) -> tuple[StoredDocument, bool]:
        """Set an ``x-`` document; version 1 at first, then one more with each change."""
        status, *fields = await PUT_DOCUMENT.run(
            self._link,
            [room_key(room), document_key(room, doc), documents_key(room)],
            *(doc, data, fingerprint, ts_ms, MAX_DOCUMENTS),
            *_demands(precondition),
        )
        if status == b"no_room":
            raise RoomNotFound(room)
        if status == b"unmet":
            raise SeatsyncError(
                "the document is at another position",
                code="VERSION_MISMATCH",
                position=None if fields[-1] is None else replies.read_position(fields),
            )
        if status == b"full":
            raise SeatsyncError(f"a room has at most {MAX_DOCUMENTS} documents", code="TOO_LARGE")
        if status == b"held":
            return replies.read_document(room, doc, fields), False
        position = replies.read_position(fields)
        return StoredDocument(room, doc, position, ts_ms, data, fingerprint), True

    async def close(self) -> None:
        """Finish what was accepted, then disconnect."""
        await self._link.close()

    async def _fenced(self, script: Script, room: str, names: Sequence[Word]) -> Any:
        """Read, once more after the epoch was raised where it did not hold any more."""
        for _ in range(2):
            answer = await script.run(self._link, names)
            if answer[0] != b"unfenced":
                return answer
            await HEAL.run(self._link, [room_key(room)])
        raise Unavailable("the store changes its primary")


def _changes(base: Revision, stored: Stored) -> list[Word]:
    """Lay out what a commit writes; the JSON of a document that did not change stays empty."""
    same_state = stored.position.version == base.version
    same_requests = stored.requests_version == base.requests_version
    return [
        stored.position.version,
        stored.ts_ms,
        b"" if same_state else _json(stored.state),
        stored.requests_version,
        stored.requests_ts_ms,
        b"" if same_requests else _json(stored.requests),
    ]


def _demands(precondition: Precondition | None) -> list[Word]:
    if precondition is None:
        return ["none"]
    if not precondition.any_of:
        return ["exists"]
    return ["any_of", *(str(position) for position in precondition.any_of)]


def _json(value: msgspec.Struct) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise InvalidArgument("a name or a text is not UTF-8") from error
