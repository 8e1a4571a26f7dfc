"""What scripts answer, decoded; whatever can't be read is ``Unreadable``, never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from room.documents import Requests, State
from room.errors import InvalidArgument, Unreadable
from room.position import Position, parse_position
from room.snapshot import Stored, StoredDocument
from store.port import CommandKey, Receipt

_STATE: Final = msgspec.json.Decoder(State)
_REQUESTS: Final = msgspec.json.Decoder(Requests)
_RECEIPT: Final = msgspec.json.Decoder(Receipt)

Field = bytes | None


def read_room(room: str, fields: Sequence[Field]) -> Stored:
    """Read a room: epoch, version, ts, state, and version, ts and JSON of the requests.

    Raises:
        Unreadable: a field is missing, or of another form.
    """
    epoch, version, ts, state, requests_version, requests_ts, requests = _complete(fields)
    try:
        return Stored(
            room,
            _STATE.decode(state),
            read_position((epoch, version)),
            int(ts),
            _REQUESTS.decode(requests),
            int(requests_version),
            int(requests_ts),
        )
    except (ValueError, msgspec.MsgspecError) as error:
        raise Unreadable("what the store holds can't be read") from error


def read_position(fields: Sequence[Field]) -> Position:
    """Read an epoch and a version.

    Raises:
        Unreadable: one is missing, or no number of a position.
    """
    epoch, version = _complete(fields)
    try:
        return parse_position(f"{epoch.decode()}.{version.decode()}")
    except (InvalidArgument, UnicodeDecodeError) as error:
        raise Unreadable("what the store holds can't be read") from error


def read_document(room: str, doc: str, fields: Sequence[Field]) -> StoredDocument:
    """Read an ``x-`` document: epoch, version, ts, data, fingerprint.

    Raises:
        Unreadable: a field is missing, or of another form.
    """
    epoch, version, ts, content, fingerprint = _complete(fields)
    try:
        position = read_position((epoch, version))
        return StoredDocument(room, doc, position, int(ts), content, fingerprint)
    except ValueError as error:
        raise Unreadable("what the store holds can't be read") from error


def read_receipts(
    keys: Sequence[CommandKey], receipts: Sequence[Field]
) -> dict[CommandKey, Receipt]:
    """Pair keys with the receipts that were found.

    Raises:
        Unreadable: a receipt is of another form.
    """
    try:
        return {
            key: _RECEIPT.decode(receipt)
            for key, receipt in zip(keys, receipts, strict=True)
            if receipt is not None
        }
    except msgspec.MsgspecError as error:
        raise Unreadable("what the store holds can't be read") from error


def _complete(fields: Sequence[Field]) -> list[bytes]:
    present = [field for field in fields if field is not None]
    if len(present) != len(fields):
        raise Unreadable("what the store holds can't be read")
    return present
