"""One document for one caller: whether they may read it, and what it is now."""

from __future__ import annotations

from gateway.rooms import Rooms
from gateway.tokens.bearer import Bearer
from poller import Found
from room.names import check_doc
from room.policy import check_readable
from room.position import Position
from room.snapshot import Published


async def find_readable(
    rooms: Rooms, bearer: Bearer, room: str, doc: str, after: Position | None = None
) -> Found[Published]:
    """Give the newest edition of a document that this caller may read.

    Args:
        rooms: of this node.
        bearer: who asks.
        room: a checked room id.
        doc: the name of a document, as it was sent.
        after: where the caller stands; ahead of this node, the store is asked once.

    Raises:
        RoomNotFound: there is no such room.
        Refused: ``FORBIDDEN``.
        SeatsyncError: ``DOC_NOT_FOUND``.
        Unavailable: the store is away and the document is not in memory.
    """
    check_doc(doc)
    if doc == "requests":
        found = await rooms.find(room)
        check_readable(doc, found.edition.stored.state, bearer.actor)
    return await rooms.find_document(room, doc, after)


def find_readable_now(
    rooms: Rooms, bearer: Bearer, room: str, doc: str, after: Position | None = None
) -> Found[Published] | None:
    """Give what ``find_readable`` would give at once; None: it has to wait for the store.

    Raises:
        RoomNotFound: there is no such room.
        Refused: ``FORBIDDEN``.
        SeatsyncError: ``DOC_NOT_FOUND``.
        Unavailable: the store is away and the document is not in memory.
    """
    if doc == "state":
        return rooms.find_document_now(room, doc, after)
    check_doc(doc)
    if doc == "requests":
        found = rooms.find_now(room)
        if found is None:
            return None
        check_readable(doc, found.edition.stored.state, bearer.actor)
    return rooms.find_document_now(room, doc, after)
