"""A document in one view at one position, as bytes, and what is derived from them, once."""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import cached_property
from typing import Final, Literal

import msgspec

from room import wire
from room.documents import SeatMode, State
from room.errors import InvalidArgument
from room.position import LARGEST, Position
from room.views import SeatView, SessionView, View, project

SCHEMA: Final = 1
"""Raised by a release that would change the bytes of a snapshot."""


class Stored(msgspec.Struct, frozen=True):
    """A room as a store holds it: the state, where it stands and when it was committed."""

    room: str
    state: State
    position: Position
    ts_ms: int


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


class Snapshot:
    """One set of bytes, shared by every connection and channel that carries it.

    What is derived is computed at the first use and kept: never once a connection.
    """

    def __init__(self, head: Head, body: bytes) -> None:
        self.room: Final = head.room
        self.doc: Final = head.doc
        self.view: Final[View] = head.view
        self.position: Final = head.position
        self.ts_ms: Final = head.ts
        self.body: Final = body

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

    @cached_property
    def event(self) -> bytes:
        """The body as ``data:`` line and event type of Server-Sent Events, without its id."""
        return b"event: snapshot\ndata: " + self.body + b"\n"


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


class Edition:
    """A document at one position in every view; each view is encoded when first asked for."""

    def __init__(self, stored: Stored) -> None:
        self.stored: Final = stored
        self.room: Final = stored.room
        self.doc: Final = "state"
        self.position: Final = stored.position
        self._views: Final[dict[View, Snapshot]] = {}

    def view(self, view: View) -> Snapshot:
        """Give the snapshot of one view, encoding it once."""
        snapshot = self._views.get(view)
        if snapshot is None:
            snapshot = self._views[view] = encode_state(self.stored, view)
        return snapshot


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
