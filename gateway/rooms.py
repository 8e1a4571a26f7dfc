"""Rooms as the gateway serves them: created, commanded, held in memory, pushed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from gateway.commits.committer import Committer
from gateway.commits.workings import Creation, Outcome, Pending
from gateway.loop.tasks import Tasks
from gateway.upstream.documents import UpstreamDocuments
from poller import Found, Poller
from room.actor import SYSTEM, Actor
from room.commands import Command, NewRoom, Request
from room.documents import State
from room.errors import InvalidArgument, Refused, SeatsyncError
from room.external import read_document
from room.messages import Ack
from room.names import is_external
from room.position import Position
from room.snapshot import Edition, External, Published, Stored, StoredDocument
from store.bus import Notice
from store.port import Clock, Precondition, Store

log = logging.getLogger(__name__)

OK: Final = "ok"


class Witness(Protocol):
    """Whoever keeps account of commands: log, audit, metrics."""

    def on_command(
        self, room: str, actor: Actor, request: Request, code: str, outcome: Outcome | None
    ) -> None:
        """A command of a caller ended; ``code`` is ``ok`` or the error's."""
        ...

    def on_system(self, room: str, command: Command, outcome: Outcome) -> None:
        """A command of the server itself was carried out."""
        ...

    def on_document(
        self, room: str, actor: Actor, doc: str, code: str, position: Position | None
    ) -> None:
        """A service's attempt to set a document ended; the position is of the document."""
        ...


class Rooms:
    """The one way to a room: what changes here is in memory and on its way before it is acked.

    Args:
        store: where rooms live.
        poller: the rooms that this node holds.
        documents: the ``x-`` documents that it holds.
        committer: carries commands out.
        tasks: owns what is carried through after its caller has left.
        admit: refuses a command that comes too soon after others.
        witness: keeps account.
        changed: told of each document that was changed here, after this node holds it.
        clock_ms: wall clock.
        upstream: the ``x-`` documents that are not in the store.
    """

    def __init__(
        self,
        store: Store,
        poller: Poller[Edition],
        documents: Poller[External],
        committer: Committer,
        tasks: Tasks,
        *,
        admit: Callable[[Actor, str], None],
        witness: Witness,
        changed: Callable[[Notice], None],
        clock_ms: Clock,
        upstream: UpstreamDocuments | None = None,
    ) -> None:
        self._store = store
        self._upstream = upstream
        self._poller = poller
        self._documents = documents
        self._committer = committer
        self._tasks = tasks
        self._admit = admit
        self._witness = witness
        self._changed = changed
        self._clock_ms = clock_ms

    async def find(self, room: str) -> Found[Edition]:
        """Give the newest edition of a room.

        Raises:
            RoomNotFound: there is none.
            Unavailable: the store is away and the room is not in memory.
        """
        return await self._poller.find(room)

    def find_now(self, room: str) -> Found[Edition] | None:
        """Give the newest edition of a room; None: ``find`` has to wait for the store.

        Raises:
            RoomNotFound: there is none.
            Unavailable: the store is away and the room is not in memory.
        """
        return self._poller.find_now(room)

    async def find_document(
        self, room: str, doc: str, after: Position | None = None
    ) -> Found[Published]:
        """Give the newest edition of one document; who may read it is the caller's business.

        Args:
            room: a checked room id.
            doc: a checked name of a document.
            after: where the caller stands; ahead of this node, the store is asked once.

        Raises:
            SeatsyncError: ``DOC_NOT_FOUND``.
            RoomNotFound: there is no such room.
            Unavailable: the store is away and the document is not in memory.
        """
        if is_external(doc):
            documents = self._poller_of(doc)
            if documents.held((room, doc)) is None:  # else the room is there
                await self._poller.find(room)
            return await documents.find((room, doc), after, doc)
        room_found = await self._poller.find(room, after, doc)
        edition = room_found.edition.document(doc)
        return Found(edition, room_found.freshness, room_found.age_s)

    def find_document_now(
        self, room: str, doc: str, after: Position | None = None
    ) -> Found[Published] | None:
        """Give the newest edition of one document; None: ``find_document`` has to wait.

        Raises:
            SeatsyncError: ``DOC_NOT_FOUND``.
            RoomNotFound: there is no such room.
            Unavailable: the store is away and the document is not in memory.
        """
        if doc == "state":
            return self._poller.find_now(room, after)
        if is_external(doc):
            documents = self._poller_of(doc)
            if documents.held((room, doc)) is None and self._poller.find_now(room) is None:
                return None
            return documents.find_now((room, doc), after, doc)
        found = self._poller.find_now(room, after, doc)
        if found is None:
            return None
        edition = found.edition.document(doc)
        source = found.source if doc == "state" else None  # the others are not for everybody
        return Found(edition, found.freshness, found.age_s, found.fresh_s, source)

    def held(self, room: str, doc: str = "state") -> Published | None:
        """Give what this node holds of a document, however old."""
        if is_external(doc):
            return self._poller_of(doc).held((room, doc))
        return self._poller.held(room)

    def forget_missing(self, room: str, doc: str = "state") -> None:
        """Believe no longer that a room, or a document of it, is not there."""
        if is_external(doc):
            self._poller_of(doc).forget_missing((room, doc))
        else:
            self._poller.forget_missing(room)

    def _poller_of(self, doc: str) -> Poller[External] | UpstreamDocuments:
        """Give what knows the ``x-`` documents of a name."""
        if self._upstream is not None and doc in self._upstream:
            return self._upstream
        return self._documents

    async def refresh(self, room: str, doc: str = "state") -> None:
        """Read a document once more; what is newer is held and announced.

        Raises:
            SeatsyncError: it is not there.
            Unavailable: the store does not answer.
        """
        if is_external(doc):
            await self._poller_of(doc).refresh((room, doc))
        else:
            await self._poller.refresh(room)

    async def create(self, room: str, actor: Actor, wish: NewRoom) -> tuple[Stored, bool]:
        """Create a room unless it is there.

        Returns:
            the room, and whether this call created it.

        Raises:
            Refused: ``FORBIDDEN``: another owner takes an operator, and only people own rooms.
            InvalidArgument: an operator named no owner.
        """
        state = State(
            owner_id=_owner(actor, wish),
            kind=wish.kind,
            seat_count=wish.seat_count,
            room_seat_mode=wish.seat_mode,
            seat_mode=wish.seat_mode,
        )
        future: asyncio.Future[tuple[Stored, bool]] = asyncio.get_running_loop().create_future()
        self._committer.submit(room, Creation(state, future))
        stored, created = await future
        if created:
            log.info("room created", extra={"room": room, "user": actor.user_id})
        return stored, created

    async def execute(self, room: str, actor: Actor, request: Request) -> Ack:
        """Carry out one command; durable, in memory and on its way to readers when this returns.

        A sender that goes away does not stop it: a commit without its push must not be.

        Raises:
            SeatsyncError: refused; ``position`` is set where the room was read.
        """

        def observe(ending: Outcome | BaseException) -> None:
            if isinstance(ending, Outcome):
                self._witness.on_command(room, actor, request, OK, ending)
            elif isinstance(ending, SeatsyncError):
                self._witness.on_command(room, actor, request, ending.code, None)

        try:
            self._admit(actor, room)
        except SeatsyncError as refusal:
            observe(refusal)
            raise
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._committer.submit(room, Pending(actor, request.command, request, future, observe))
        outcome = await future
        if outcome.ack is None:
            raise AssertionError("a caller's command ends with an ack")
        return outcome.ack

    async def apply(self, room: str, command: Command) -> bool:
        """Carry out a command of the server itself.

        Returns:
            whether it changed anything.

        Raises:
            RoomNotFound: there is no such room.
            Unavailable: the store does not answer.
            BaseMoved: other nodes were faster for too long.
        """

        def observe(ending: Outcome | BaseException) -> None:
            if isinstance(ending, Outcome):
                self._witness.on_system(room, command, ending)

        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._committer.submit(room, Pending(SYSTEM, command, None, future, observe))
        return (await future).changed

    async def put_document(
        self,
        room: str,
        actor: Actor,
        doc: str,
        body: bytes,
        precondition: Precondition | None = None,
    ) -> tuple[StoredDocument, bool]:
        """Set an ``x-`` document of a service.

        Returns:
            the document, and whether this call changed it.

        Raises:
            Refused: ``FORBIDDEN``: the token is not for this document, or it has an upstream.
            Malformed: the body is not JSON.
            InvalidArgument: the body is no object.
            RoomNotFound: there is no such room.
            SeatsyncError: ``VERSION_MISMATCH``, ``TOO_LARGE``.
            Unavailable: the store does not answer.
        """
        try:
            stored, changed = await self._tasks.finish(
                self._put_document(room, actor, doc, body, precondition)
            )
        except SeatsyncError as refusal:
            self._witness.on_document(room, actor, doc, refusal.code, None)
            raise
        self._witness.on_document(room, actor, doc, OK, stored.position)
        return stored, changed

    async def _put_document(
        self, room: str, actor: Actor, doc: str, body: bytes, precondition: Precondition | None
    ) -> tuple[StoredDocument, bool]:
        if not (actor.kind == "service" and {doc, "*"} & set(actor.docs)):
            raise Refused("that document is not yours to set", code="FORBIDDEN")
        if self._poller_of(doc) is not self._documents:
            raise Refused("this document comes from its upstream", code="FORBIDDEN")
        data, fingerprint = read_document(body)
        stored, changed = await self._store.put_document(
            room, doc, data, fingerprint, self._clock_ms(), precondition
        )
        self._documents.put(External(stored))
        if changed:
            self._changed(Notice(room, doc))
        return stored, changed


def _owner(actor: Actor, wish: NewRoom) -> str:
    operator = actor.is_staff_of("operator")
    if wish.owner_id is None:
        if operator:
            raise InvalidArgument("an operator says who owns the room: owner_id")
        if actor.kind != "member":
            raise Refused("only people own rooms", code="FORBIDDEN")
        return actor.user_id
    if wish.owner_id != actor.user_id and not operator:
        raise Refused("another owner takes an operator", code="FORBIDDEN")
    return wish.owner_id
