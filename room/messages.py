"""Every message of the wire but the snapshot, one struct each (PROTOCOL.md 5, 6)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from room import wire
from room.documents import Outcome, RequestKind, SeatRequest
from room.errors import InvalidArgument, SeatsyncError
from room.names import is_doc
from room.position import Position, parse_position
from room.reconcile import Channel
from room.requests_news import parties


class ServerMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A message from the server."""


class Welcome(ServerMessage, frozen=True, kw_only=True, tag="welcome"):
    """The first message of a connection."""

    conn_id: str
    schema: int
    ping_ms: int
    server_ts: int


class Policy(ServerMessage, frozen=True, kw_only=True, tag="policy"):
    """What this caller may send in a room, and which view they get."""

    room: str
    view: str
    commands: tuple[str, ...]


class Ack(ServerMessage, frozen=True, kw_only=True, tag="ack"):
    """A command was carried out; the position is of ``state`` after it."""

    cmd_id: str
    changed: bool
    epoch: int
    version: int
    positions: dict[str, str] | UnsetType = UNSET
    """Of the other documents that the command changed."""
    result: dict[str, Any] = {}

    @property
    def position(self) -> Position:
        """Where ``state`` stands after the command."""
        return Position(self.epoch, self.version)


class Problem(ServerMessage, frozen=True, kw_only=True, tag="error"):
    """Something was refused; the connection stays."""

    code: str
    message: str
    retryable: bool
    retry_after_ms: int | UnsetType = UNSET
    cmd_id: str | UnsetType = UNSET
    room: str | UnsetType = UNSET
    doc: str | UnsetType = UNSET
    epoch: int | UnsetType = UNSET
    version: int | UnsetType = UNSET


class Pong(ServerMessage, frozen=True, kw_only=True, tag="pong"):
    """The answer to ``ping``."""

    id: Any = None
    server_ts: int


class RequestNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A request as its two parties hear of it; ``seat_index`` is null for any seat."""

    request_id: str
    kind: RequestKind
    sender: str = msgspec.field(name="from")
    to: str
    seat_index: int | None
    expires_at: int
    outcome: Outcome | UnsetType = UNSET
    """Absent while the request waits."""


class RequestMessage(ServerMessage, frozen=True, kw_only=True, tag="request"):
    """A request waits for an answer, or how it ended; for its two parties alone."""

    room: str
    request: RequestNotice


class SpeakingMessage(ServerMessage, frozen=True, kw_only=True, tag="speaking"):
    """The seats whose occupants speak now; has no position and may be lost."""

    room: str
    seats: tuple[int, ...]
    ts: int


class Online(ServerMessage, frozen=True, kw_only=True, tag="online"):
    """How many are connected to a room; may be lost."""

    room: str
    count: int


class PlannedChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel to use, and where; ``interval_ms`` for polling alone."""

    channel: Channel
    url: str
    interval_ms: int | UnsetType = UNSET


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The channels that a caller should use now, best first, and for how long this holds."""

    channels: tuple[PlannedChannel, ...]
    ttl_ms: int


class Bye(ServerMessage, frozen=True, kw_only=True, tag="bye"):
    """The server is about to close; ``code`` is the close code that follows."""

    code: int
    reason: str
    retry_after_ms: int | UnsetType = UNSET


class ClientMessage(msgspec.Struct, frozen=True, tag_field="type"):
    """A message from a client; unknown fields are ignored."""


class Subscribe(ClientMessage, frozen=True, tag="subscribe"):
    """Follow documents of a room."""

    room: str | None = None
    docs: tuple[str, ...] = ("state",)
    have: dict[str, str] = {}


class Unsubscribe(ClientMessage, frozen=True, tag="unsubscribe"):
    """Follow documents no longer; without ``docs`` the whole room."""

    room: str | None = None
    docs: tuple[str, ...] | None = None


class Cmd(ClientMessage, frozen=True, tag="cmd"):
    """A command; its fields are read as those of a POST."""


class Applied(ClientMessage, frozen=True, tag="applied"):
    """What the client shows now, sampled."""

    room: str
    doc: str
    epoch: int
    version: int
    channel: str
    lag_ms: float


class Speaking(ClientMessage, frozen=True, tag="speaking"):
    """Whether a seated user speaks; the room is named on a connection over many."""

    on: bool
    room: str | None = None


class Ping(ClientMessage, frozen=True, tag="ping"):
    """Asks for a ``pong`` with the same id."""

    id: Any = None


FromClient = Subscribe | Unsubscribe | Cmd | Applied | Speaking | Ping

_FROM_CLIENT: Final[msgspec.json.Decoder[FromClient]] = msgspec.json.Decoder(FromClient)


def read_client_message(text: bytes) -> FromClient:
    """Read a text frame of a client.

    Raises:
        Malformed: not JSON.
        InvalidArgument: an unknown type, or a field of the wrong type.
    """
    return wire.read(_FROM_CLIENT, text)


def problem(
    error: SeatsyncError,
    *,
    cmd_id: str | None = None,
    room: str | None = None,
    doc: str | None = None,
) -> Problem:
    """Put an error into words that may leave the server."""
    position = error.position
    return Problem(
        code=error.code,
        message=error.message,
        retryable=error.travel.retryable,
        retry_after_ms=_or_unset(error.retry_after_ms),
        cmd_id=_or_unset(cmd_id),
        room=_or_unset(room),
        doc=_or_unset(doc),
        epoch=UNSET if position is None else position.epoch,
        version=UNSET if position is None else position.version,
    )


def request_message(
    room: str, request: SeatRequest, owner_id: str, outcome: Outcome | None
) -> RequestMessage:
    """Put a request into words for its parties; an ``outcome`` of None says that it waits."""
    sender, to = parties(request, owner_id)
    notice = RequestNotice(
        request_id=request.request_id,
        kind=request.kind,
        sender=sender,
        to=to,
        seat_index=request.seat_index,
        expires_at=request.expires_at_ms,
        outcome=_or_unset(outcome),
    )
    return RequestMessage(room=room, request=notice)


def _or_unset(value: Any) -> Any:
    return UNSET if value is None else value


def read_have(text: str) -> dict[str, Position]:
    """Read ``<doc>:<position>,…``, the form of the query and of ``Last-Event-ID``.

    Raises:
        InvalidArgument: the text is not of that form.
    """
    have: dict[str, Position] = {}
    for item in filter(None, text.split(",")):
        doc, colon, position = item.strip().partition(":")
        if not (colon and is_doc(doc)):
            raise InvalidArgument("have is written <doc>:<position>,…")
        have[doc] = parse_position(position)
    return have
