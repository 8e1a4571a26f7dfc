"""A document in one view at one position, as bytes, and what is derived from them, once."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple, Protocol

import msgspec

from room import wire
from room.documents import Requests, SeatMode, State
from room.errors import InvalidArgument, SeatsyncError
from room.position import LARGEST, Position
from room.views import (
    RequestView,
    SeatView,
    SessionView,
    View,
    project,
    project_requests,
)

SCHEMA: Final = 1
"""Raised by a release that would change the bytes of a snapshot."""


class Revision(NamedTuple):
    """One order over everything that a room went through: each commit raises it."""

    epoch: int
    version: int
    """Of ``state``."""
    requests_version: int


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A room as a store holds it: its two documents, where each stands, when it was committed."""

    room: str
    state: State
    position: Position
    """Of ``state``."""
    ts_ms: int
    requests: Requests = Requests()
    requests_version: int = 1
    requests_ts_ms: int = 0

    @property
    def requests_position(self) -> Position:
        """Where ``requests`` stands: one epoch a room, a version a document."""
        return Position(self.position.epoch, self.requests_version)

    @property
    def revision(self) -> Revision:
        """Where the room stands as a whole."""
        return Revision(*self.position, self.requests_version)

    def stands_at(self, revision: Revision) -> bool:
        """Tell whether this is the room at a revision; cheaper than to make one."""
        epoch, version = self.position
        return (
            version == revision[1] and self.requests_version == revision[2] and epoch == revision[0]
        )


class StoredDocument(msgspec.Struct, frozen=True, gc=False):
    """An ``x-`` document as a store holds it."""

    room: str
    doc: str
    position: Position
    ts_ms: int
    data: bytes
    """The JSON object without spaces, as its service wrote it."""
    fingerprint: bytes
    """Equal for equal JSON values."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies a snapshot; these keys come first, in this order."""

    type: Literal["snapshot"]
    doc: str
    schema: int
    view: View
    room: str
    epoch: int
    version: int
    ts: int

    @property
    def position(self) -> Position:
        """Where the snapshot stands."""
        return Position(self.epoch, self.version)


class StateSnapshot(Head, frozen=True, kw_only=True):
    """The wire form of the ``state`` document; fields stand in the order of the bytes."""

    session: SessionView | None
    seat_mode: SeatMode
    owner_seat: int
    seats: tuple[SeatView, ...]


class Encoded:
    """Bytes that many connections carry, and each form of them, made once."""

    __slots__ = ("_forms", "body", "frame")

    def __init__(self, body: bytes) -> None:
        self.body: Final = body
        self.frame = b""
        """The WebSocket frame, once it was made: most deliveries are of this form."""
        self._forms: dict[Callable[[Any], bytes], bytes] | None = None

    def form(self, encode: Callable[[Any], bytes]) -> bytes:
        """Give what one kind of connection carries of this, such as a WebSocket frame.

        Args:
            encode: makes it out of this object; a function of a module, so that it names the form.
        """
        forms = self._forms
        if forms is None:
            forms = self._forms = {}
        formed = forms.get(encode)
        if formed is None:
            formed = forms[encode] = encode(self)
        return formed


class Snapshot(Encoded):
    """One set of bytes, shared by every connection and channel that carries it.

    What is derived is computed at the first use and kept: never once a connection.
    """

    def __init__(self, head: Head, body: bytes) -> None:
        super().__init__(body)
        self.room: Final = head.room
        self.doc: Final = head.doc
        self.view: Final[View] = head.view
        self.position: Final = head.position
        self.ts_ms: Final = head.ts

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the body."""
        return hashlib.sha256(self.body).digest()

    @cached_property
    def repr_digest(self) -> str:
        """The field value of RFC 9530."""
        return f"sha-256=:{base64.b64encode(self.digest).decode()}:"

    @cached_property
    def gzipped(self) -> bytes:
        """The body, gzip-coded; equal bodies give equal bytes."""
        return gzip.compress(self.body, compresslevel=6, mtime=0)


_HEAD: Final = msgspec.json.Decoder(Head)


def read_head(body: bytes) -> Head:
    """Read what identifies a snapshot.

    Raises:
        Malformed: the bytes are not JSON.
        InvalidArgument: they are no snapshot, or a number is out of range.
    """
    head = wire.read(_HEAD, body)
    if not 0 <= min(head.position) <= max(head.position) <= LARGEST:
        raise InvalidArgument("a position's numbers lie in 0..2^53-1")
    return head


class Published(Protocol):
    """A document at one position, in every view."""

    @property
    def room(self) -> str:
        """Whose document it is."""
        ...

    @property
    def doc(self) -> str:
        """Its name."""
        ...

    @property
    def position(self) -> Position:
        """Where it stands."""
        ...

    def view(self, view: View) -> Snapshot:
        """Give the snapshot of one view; each is encoded once."""
        ...


class Edition:
    """A room as this node holds it; itself the ``state`` document, and beside it ``requests``."""

    doc: Final = "state"

    def __init__(self, stored: Stored) -> None:
        self.stored: Final = stored
        self.room: Final = stored.room
        self.key: Final = stored.room
        self.position: Final = stored.position
        self.revision: Final = stored.revision
        self._views: Final[dict[View, Snapshot]] = {}

    def view(self, view: View) -> Snapshot:
        """Give the snapshot of one view of ``state``, encoding it once."""
        snapshot = self._views.get(view)
        if snapshot is None:
            snapshot = self._views[view] = encode_state(self.stored, view)
        return snapshot

    @cached_property
    def requests(self) -> Single:
        """The ``requests`` document."""
        return Single(encode_requests(self.stored))

    def document(self, doc: str) -> Published:
        """Give one of the room's own documents.

        Raises:
            SeatsyncError: ``DOC_NOT_FOUND``.
        """
        if doc == "state":
            return self
        if doc == "requests":
            return self.requests
        raise SeatsyncError("the room has no such document", code="DOC_NOT_FOUND")

    @cached_property
    def seated_users(self) -> frozenset[str]:
        """Everybody who holds a seat."""
        return self.stored.state.seated_users()


class Single:
    """A document that has one view."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.room: Final = snapshot.room
        self.doc: Final = snapshot.doc
        self.position: Final = snapshot.position
        self._snapshot: Final = snapshot

    def view(self, view: View) -> Snapshot:
        """Give the one snapshot there is, whoever asks."""
        return self._snapshot


class External(Single):
    """An ``x-`` document as this node holds it."""

    def __init__(self, stored: StoredDocument) -> None:
        super().__init__(encode_document(stored))
        self.stored: Final = stored
        self.key: Final = (stored.room, stored.doc)
        self.revision: Final = stored.position

    def document(self, doc: str) -> Published:
        """Give the one document that this is."""
        return self


def encode_state(stored: Stored, view: View) -> Snapshot:
    """Encode the ``state`` document for one view."""
    shown = project(stored.state, view)
    message = StateSnapshot(
        type="snapshot",
        doc="state",
        schema=SCHEMA,
        view=view,
        room=stored.room,
        epoch=stored.position.epoch,
        version=stored.position.version,
        ts=stored.ts_ms,
        session=shown.session,
        seat_mode=shown.seat_mode,
        owner_seat=shown.owner_seat,
        seats=shown.seats,
    )
    return Snapshot(message, wire.encode(message))


class RequestsSnapshot(Head, frozen=True, kw_only=True):
    """The wire form of the ``requests`` document."""

    items: tuple[RequestView, ...]
    total: int


class DocumentSnapshot(Head, frozen=True, kw_only=True):
    """The wire form of an ``x-`` document."""

    data: msgspec.Raw


def encode_requests(stored: Stored) -> Snapshot:
    """Encode the ``requests`` document."""
    message = RequestsSnapshot(
        type="snapshot",
        doc="requests",
        schema=SCHEMA,
        view="member",
        room=stored.room,
        epoch=stored.position.epoch,
        version=stored.requests_version,
        ts=stored.requests_ts_ms,
        items=project_requests(stored.requests),
        total=len(stored.requests.items),
    )
    return Snapshot(message, wire.encode(message))


def encode_document(stored: StoredDocument) -> Snapshot:
    """Encode an ``x-`` document; whoever may read the room may read it."""
    message = DocumentSnapshot(
        type="snapshot",
        doc=stored.doc,
        schema=SCHEMA,
        view="anonymous",
        room=stored.room,
        epoch=stored.position.epoch,
        version=stored.position.version,
        ts=stored.ts_ms,
        data=msgspec.Raw(stored.data),
    )
    return Snapshot(message, wire.encode(message))
