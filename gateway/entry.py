"""All that a page needs at its start, in one answer; what can't be had is named (PROTOCOL.md 3)."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from gateway.bearer import Bearer
from gateway.plan import Planner
from gateway.reading import find_readable
from gateway.rooms import Rooms
from room.errors import InvalidArgument, RoomNotFound, SeatsyncError
from room.messages import Plan
from room.policy import allowed_commands
from room.snapshot import Snapshot
from room.views import View
from store.port import Clock

log = logging.getLogger(__name__)

MAX_DOCS: Final = 64
"""Documents that one request may name."""


class Permission(msgspec.Struct, frozen=True):
    """What the ``policy`` message says."""

    room: str
    view: View
    commands: tuple[str, ...]


class Entry(msgspec.Struct, frozen=True):
    """What is known now; a part that failed is absent."""

    documents: dict[str, msgspec.Raw]
    """Snapshots by name: the bytes that every channel carries."""
    policy: Permission | UnsetType
    plan: Plan | UnsetType
    announcement: str | None
    missing: tuple[str, ...]
    """Documents and parts that are left out."""


def read_docs(text: str | None) -> tuple[str, ...]:
    """Read which documents are asked for: ``state`` unless it says otherwise.

    Raises:
        InvalidArgument: none, or too many.
    """
    names = ("state",) if text is None else tuple(filter(None, text.split(",")))
    if not 1 <= len(names) <= MAX_DOCS:
        raise InvalidArgument(f"docs names 1 to {MAX_DOCS} documents")
    return tuple(dict.fromkeys(names))


class Reception:
    """Gathers entries.

    Args:
        rooms: of this node.
        planner: says which channels to use.
        announcement: what every page is to show.
        clock_ms: wall clock.
    """

    def __init__(
        self, rooms: Rooms, planner: Planner, announcement: str | None, clock_ms: Clock
    ) -> None:
        self._rooms = rooms
        self._planner = planner
        self._announcement = announcement
        self._clock_ms = clock_ms

    async def enter(
        self, room: str, bearer: Bearer, docs: tuple[str, ...], base: str | None
    ) -> Entry:
        """Gather what a caller needs at the start; what fails is left out, and named.

        Args:
            room: a checked room id.
            bearer: who asks.
            docs: names of documents, as they were sent.
            base: where this caller reaches the service; None: that can't be told.

        Raises:
            RoomNotFound: there is no such room.
        """
        policy = await self._policy(room, bearer)
        async with asyncio.TaskGroup() as group:
            reads = {
                doc: group.create_task(self._snapshot(room, bearer, doc), name=f"entry {room}")
                for doc in docs
            }
        snapshots = {doc: read.result() for doc, read in reads.items()}
        plan = UNSET if base is None else self._planner.plan(room, bearer, base)
        parts = [*snapshots.items(), ("policy", policy), ("plan", plan)]
        return Entry(
            documents={
                doc: msgspec.Raw(snapshot.body)
                for doc, snapshot in snapshots.items()
                if isinstance(snapshot, Snapshot)
            },
            policy=policy,
            plan=plan,
            announcement=self._announcement,
            missing=tuple(name for name, part in parts if part is UNSET),
        )

    async def _policy(self, room: str, bearer: Bearer) -> Permission | UnsetType:
        try:
            found = await self._rooms.find(room)
        except RoomNotFound:
            raise
        except SeatsyncError as error:
            return _left_out(room, "policy", error)
        commands = allowed_commands(found.edition.stored.state, bearer.actor, self._clock_ms())
        return Permission(room, bearer.view, commands)

    async def _snapshot(self, room: str, bearer: Bearer, doc: str) -> Snapshot | UnsetType:
        try:
            found = await find_readable(self._rooms, bearer, room, doc)
        except SeatsyncError as error:
            return _left_out(room, doc, error)
        return found.edition.view(bearer.view)


def _left_out(room: str, part: str, error: SeatsyncError) -> UnsetType:
    log.debug("left out", extra={"room": room, "part": part[:64], "code": error.code})
    return UNSET
