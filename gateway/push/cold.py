"""What a connection asks for and memory may not hold: whether it is at hand, and how it comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.push.stay import Failures
from gateway.rooms import Rooms
from room.errors import RoomNotFound, SeatsyncError
from room.names import is_doc, is_external


class Brought(NamedTuple):
    """How the reading of documents went."""

    failures: Failures
    """Of those that could not be read."""
    missing: int
    """How many are not there; they may be set later."""


def is_at_hand(rooms: Rooms, room: str, docs: Sequence[str]) -> bool:
    """Tell whether a room and its documents can be told from memory.

    Raises:
        RoomNotFound: there is no such room.
    """
    if rooms.find_now(room) is None:
        return False
    for doc in _external(docs):
        try:
            if rooms.find_document_now(room, doc) is None:
                return False
        except RoomNotFound:
            raise
        except SeatsyncError as error:
            if error.code != "DOC_NOT_FOUND":
                return False  # reading it says what is wrong, and the others go on
    return True


async def bring(rooms: Rooms, room: str, docs: Sequence[str]) -> Brought:
    """Bring a room and its documents into memory.

    Raises:
        RoomNotFound: there is no such room.
        Unavailable: the store is away and the room is not in memory.
    """
    await rooms.find(room)
    failures, missing = {}, 0
    for doc in _external(docs):
        try:
            await rooms.find_document(room, doc)
        except RoomNotFound:
            raise
        except SeatsyncError as error:
            if error.code == "DOC_NOT_FOUND":
                missing += 1
            else:
                failures[doc] = error
    return Brought(failures, missing)


def _external(docs: Sequence[str]) -> list[str]:
    return [doc for doc in docs if is_doc(doc) and is_external(doc)]
