"""All that a page needs at its start, in one answer; what can't be had is named (PROTOCOL.md 3)."""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import UnsetType

from gateway.config import MAX_DOCS
from gateway.plan import Planner
from gateway.reading import find_readable, find_readable_now
from gateway.rooms import Rooms
from gateway.tokens.bearer import Bearer
from room import wire
from room.errors import InvalidArgument, RoomNotFound, SeatsyncError
from room.messages import Plan
from room.names import check_doc, is_external
from room.policy import POLICY, check_readable, is_banned, standings
from room.snapshot import Edition, Published, Snapshot
from room.views import View
from store.port import Clock

log = logging.getLogger(__name__)


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


class Gathered(NamedTuple):
    """An entry as bytes."""

    body: bytes
    is_whole: bool
    """Whether nothing is missing."""


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
        self._announcement = wire.encode(announcement)
        self._clock_ms = clock_ms

    def enter_now(
        self, room: str, bearer: Bearer, docs: tuple[str, ...], base: str | None
    ) -> Gathered | None:
        """Gather from memory what ``enter`` would gather; None: it has to wait for the store.

        Raises:
            RoomNotFound: there is no such room.
        """
        edition: Edition | None = None
        try:
            found = self._rooms.find_now(room)
            if found is None:
                return None
            edition = found.edition
        except RoomNotFound:
            raise
        except SeatsyncError as error:
            _leave_out(room, "policy", error)
        snapshots: dict[str, Snapshot | None] = dict.fromkeys(docs)
        for doc in docs:
            try:
                document = self._document_now(room, bearer, doc, edition)
            except SeatsyncError as error:
                _leave_out(room, doc, error)
                continue
            if document is None:
                return None
            snapshots[doc] = document.view(bearer.view)
        return self._gather(room, bearer, edition, snapshots, base)

    async def enter(
        self, room: str, bearer: Bearer, docs: tuple[str, ...], base: str | None
    ) -> Gathered:
        """Gather what a caller needs at the start; what fails is left out, and named.

        Args:
            room: a checked room id.
            bearer: who asks.
            docs: names of documents, as they were sent.
            base: where this caller reaches the service; None: that can't be told.

        Raises:
            RoomNotFound: there is no such room.
        """
        edition = await self._edition(room)
        async with asyncio.TaskGroup() as group:
            reads = {
                doc: group.create_task(self._snapshot(room, bearer, doc, edition), name="entry")
                for doc in docs
            }
        snapshots = {doc: read.result() for doc, read in reads.items()}
        return self._gather(room, bearer, edition, snapshots, base)

    async def _edition(self, room: str) -> Edition | None:
        try:
            return (await self._rooms.find(room)).edition
        except RoomNotFound:
            raise
        except SeatsyncError as error:
            _leave_out(room, "policy", error)
            return None

    def _document_now(
        self, room: str, bearer: Bearer, doc: str, edition: Edition | None
    ) -> Published | None:
        """Give a document; the room's own are those of the edition that the policy speaks of."""
        if edition is not None and not is_external(doc):
            document = edition.document(check_doc(doc))
            check_readable(doc, edition.stored.state, bearer.actor)
            return document
        found = find_readable_now(self._rooms, bearer, room, doc)
        return None if found is None else found.edition

    async def _snapshot(
        self, room: str, bearer: Bearer, doc: str, edition: Edition | None
    ) -> Snapshot | None:
        try:
            document = self._document_now(room, bearer, doc, edition)
            if document is None:
                document = (await find_readable(self._rooms, bearer, room, doc)).edition
        except SeatsyncError as error:
            _leave_out(room, doc, error)
            return None
        return document.view(bearer.view)

    def _gather(
        self,
        room: str,
        bearer: Bearer,
        edition: Edition | None,
        snapshots: dict[str, Snapshot | None],
        base: str | None,
    ) -> Gathered:
        """Join the bytes: the form is that of ``Entry``, and nothing is encoded twice."""
        documents = b",".join(
            b'"%b":%b' % (doc.encode(), snapshot.body)
            for doc, snapshot in snapshots.items()
            if snapshot is not None
        )
        policy = b"" if edition is None else self._policy(edition, bearer)
        plan = b"" if base is None else b'"plan":%b,' % self._planner.encoded(room, bearer, base)
        parts = [*snapshots.items(), ("policy", edition), ("plan", base)]
        missing = tuple(name for name, part in parts if part is None)
        body = b'{"documents":{%b},%b%b"announcement":%b,"missing":%b}' % (
            documents,
            policy,
            plan,
            self._announcement,
            wire.encode(missing) if missing else b"[]",
        )
        return Gathered(body, not missing)

    def _policy(self, edition: Edition, bearer: Bearer) -> bytes:
        state, actor = edition.stored.state, bearer.actor
        roles: frozenset[str] = frozenset()
        if actor is not None and not is_banned(state, actor, self._clock_ms()):
            roles = standings(state, actor)
        form = b'"policy":{"room":"%b","view":"%b","commands":%b},'
        return form % (edition.room.encode(), bearer.view.encode(), _commands(roles))


@lru_cache(maxsize=256)
def _commands(roles: frozenset[str]) -> bytes:
    """Encode what is open to one who is all of this; few sets of standings ever come up."""
    return wire.encode(tuple(name for name, who in POLICY.items() if who & roles))


def _leave_out(room: str, part: str, error: SeatsyncError) -> None:
    log.debug("left out", extra={"room": room, "part": part[:64], "code": error.code})
