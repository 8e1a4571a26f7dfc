"""What setting an ``x-`` document comes to, for stores that decide it in this process."""

from __future__ import annotations

from room.errors import SeatsyncError
from room.position import Position
from room.snapshot import Stored, StoredDocument
from store.port import MAX_DOCUMENTS, Precondition


def next_document(
    room: Stored,
    held: StoredDocument | None,
    count: int,
    wanted: StoredDocument,
    precondition: Precondition | None,
) -> StoredDocument:
    """Give the document as it stands afterwards; ``held`` itself where nothing changes.

    Args:
        room: the room it belongs to.
        held: the document as it is, if it is.
        count: how many documents the room has.
        wanted: the document to be; where it stands is decided here.
        precondition: what must hold of ``held``.

    Raises:
        SeatsyncError: ``VERSION_MISMATCH`` or ``TOO_LARGE``.
    """
    if precondition is not None and not _holds(precondition, held):
        raise SeatsyncError(
            "the document is at another position",
            code="VERSION_MISMATCH",
            position=None if held is None else held.position,
        )
    if held is None:
        if count >= MAX_DOCUMENTS:
            raise SeatsyncError(f"a room has at most {MAX_DOCUMENTS} documents", code="TOO_LARGE")
        version = 1
    elif held.fingerprint == wanted.fingerprint:
        return held
    else:
        version = held.position.version + 1
    return StoredDocument(
        room.room,
        wanted.doc,
        Position(room.position.epoch, version),
        wanted.ts_ms,
        wanted.data,
        wanted.fingerprint,
    )


def _holds(precondition: Precondition, held: StoredDocument | None) -> bool:
    if held is None:
        return False
    return not precondition.any_of or held.position in precondition.any_of
