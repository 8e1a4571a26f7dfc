"""How a command is read from the wire, and the wish for a room (PROTOCOL.md 3, 5)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from room import wire
from room.commands.arguments import SeatCount, UserId
from room.commands.table import COMMANDS, Command
from room.documents import Kind, SeatMode
from room.errors import InvalidArgument, SeatsyncError
from room.position import Position, parse_position

MAX_NESTING: Final = 32


class Envelope(msgspec.Struct, frozen=True):
    """A command as it arrives: the body of a POST, or the ``cmd`` message of a WebSocket."""

    cmd: str
    cmd_id: str | None = None
    args: dict[str, Any] | None = None
    if_version: str | None = None
    room: str | None = None
    """Named on a connection over many rooms."""


class Request(msgspec.Struct, frozen=True):
    """A command that was read and found well formed."""

    name: str
    cmd_id: str
    command: Command
    if_version: Position | None
    fingerprint: bytes
    """Canonical JSON of ``cmd``, ``args``, ``if_version``: equal bytes for equal values."""


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)


class NewRoom(msgspec.Struct, frozen=True):
    """The body of a request to create a room; what sessions have unless they say otherwise."""

    kind: Kind = "voice"
    seat_count: SeatCount | None = None
    seat_mode: SeatMode = "free"
    owner_id: UserId | None = None


_NEW_ROOM: Final = msgspec.json.Decoder(NewRoom)


def read_new_room(body: bytes) -> NewRoom:
    """Read the wish for a room; an empty body wishes nothing.

    Raises:
        Malformed: not JSON, or not UTF-8.
        InvalidArgument: a field is of the wrong type or out of range.
    """
    return wire.read(_NEW_ROOM, body) if body.strip() else NewRoom()


def read_envelope(body: bytes) -> Envelope:
    """Read the outer form of a command.

    Raises:
        Malformed: not JSON, or not UTF-8.
        InvalidArgument: a field is missing or of the wrong type.
    """
    return wire.read(_ENVELOPE, body)


def read_request(envelope: Envelope, idempotency_key: str | None = None) -> Request:
    """Read the command inside an envelope.

    Args:
        envelope: the outer form.
        idempotency_key: the header that may stand for ``cmd_id``.

    Raises:
        InvalidArgument: an argument is missing, of the wrong type or out of range.
        SeatsyncError: ``UNKNOWN_COMMAND``.
    """
    kind = COMMANDS.get(envelope.cmd)
    if kind is None:
        raise SeatsyncError("there is no such command", code="UNKNOWN_COMMAND")
    args = _canonical(envelope.args or {})
    if_version = None if envelope.if_version is None else parse_position(envelope.if_version)
    return Request(
        name=envelope.cmd,
        cmd_id=_cmd_id(envelope.cmd_id, idempotency_key),
        command=wire.shape(kind, args),
        if_version=if_version,
        fingerprint=_fingerprint(envelope.cmd, args, if_version),
    )


def _cmd_id(field: str | None, header: str | None) -> str:
    if field is not None and header is not None and field != header:
        raise InvalidArgument("cmd_id and Idempotency-Key differ")
    cmd_id = field if field is not None else header
    if cmd_id is None:
        raise InvalidArgument("cmd_id is missing")
    if not 1 <= len(cmd_id) <= 64 or _is_broken(cmd_id):
        raise InvalidArgument("cmd_id has 1 to 64 characters, in UTF-8")
    return cmd_id


def _is_broken(text: str) -> bool:
    """Tell whether a header held bytes that are no UTF-8; they show up as lone surrogates."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _fingerprint(name: str, args: dict[str, Any], if_version: Position | None) -> bytes:
    return msgspec.json.encode([name, args, if_version], order="sorted")


def _canonical(value: Any, depth: int = 0) -> Any:
    """Make equal JSON values equal bytes: 3.0 is 3.

    Raises:
        InvalidArgument: nested beyond ``MAX_NESTING``.
    """
    if depth > MAX_NESTING:
        raise InvalidArgument("the arguments are nested too deeply")
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _canonical(item, depth + 1) for key, item in value.items()}
        case list():
            return [_canonical(item, depth + 1) for item in value]
        case _:
            return value
