"""The store, as the pollers read it."""

from __future__ import annotations

from room.errors import SeatsyncError
from room.snapshot import Edition, External
from store.port import Store


class Reads:
    """Turns what the store holds into what this node holds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def room(self, room: str) -> Edition | None:
        """Read a room.

        Raises:
            Unavailable: the store does not answer.
        """
        stored = await self._store.read(room)
        return None if stored is None else Edition(stored)

    async def document(self, key: tuple[str, str]) -> External | None:
        """Read an ``x-`` document by room and name.

        Raises:
            Unavailable: the store does not answer.
        """
        stored = await self._store.read_document(*key)
        return None if stored is None else External(stored)


def no_document(_: tuple[str, str]) -> SeatsyncError:
    """Say that a room has no such document."""
    return SeatsyncError("the room has no such document", code="DOC_NOT_FOUND")
