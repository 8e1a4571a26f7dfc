"""Ids and names that a peer may send, checked on the decoded value before anything else."""

from __future__ import annotations

import re
from typing import Final

from room.errors import InvalidArgument, SeatsyncError

_ROOM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_DOC: Final = re.compile(r"state|requests|play|x-[a-z0-9-]{1,32}", re.ASCII)


def check_room(room: str) -> str:
    """Give the room id back if it is well formed.

    Raises:
        InvalidArgument: it is not.
    """
    if _ROOM.fullmatch(room) is None:
        raise InvalidArgument("a room id has 1 to 64 of A-Z a-z 0-9 _ -")
    return room


def is_doc(doc: str) -> bool:
    """Tell whether there may be a document of that name."""
    return _DOC.fullmatch(doc) is not None


def is_external(doc: str) -> bool:
    """Tell whether a document belongs to another service."""
    return doc.startswith("x-")


def check_doc(doc: str) -> str:
    """Give the name of a document back if there may be one of that name.

    Raises:
        SeatsyncError: ``DOC_NOT_FOUND``.
    """
    if not is_doc(doc):
        raise SeatsyncError("there is no such document", code="DOC_NOT_FOUND")
    return doc
