"""From the JSON object of an upstream to a document: its position, its time, its data."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from gateway.upstream.faults import UpstreamFault
from room.errors import InvalidArgument, Malformed
from room.external import read_document
from room.position import LARGEST, Position

ENVELOPE: Final = frozenset({"epoch", "version", "data"})

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()


class Content(NamedTuple):
    """What an upstream says."""

    position: Position
    ts_ms: int | None
    """When that position came to be; None: it does not say."""
    data: bytes
    """A JSON object without spaces."""
    fingerprint: bytes
    """Equal for equal values."""


def read_content(body: bytes) -> Content:
    """Read a document; the position is the upstream's own, and nobody else's to make up.

    An object of exactly ``epoch``, ``version``, ``data`` (an object), and perhaps ``ts`` is an
    envelope, and ``data`` is the document. Any other object is the document itself.

    Raises:
        UpstreamFault: ``bad_json``, ``bad_document``, ``no_position``.
    """
    try:
        data, fingerprint = read_document(body)
    except Malformed:
        raise UpstreamFault("bad_json") from None
    except InvalidArgument as error:
        raise UpstreamFault("bad_document", error.message) from None
    members = _MEMBERS.decode(data)
    epoch, version, ts_ms = (_whole(members.get(name)) for name in ("epoch", "version", "ts"))
    if epoch is None or version is None:
        raise UpstreamFault("no_position")
    if members.keys() - {"ts"} == ENVELOPE and bytes(members["data"]).startswith(b"{"):
        data, fingerprint = read_document(bytes(members["data"]))
    return Content(Position(epoch, version), ts_ms, data, fingerprint)


def _whole(raw: msgspec.Raw | None) -> int | None:
    """Read a number of a position, or a time; None: it is none."""
    value = None if raw is None else _ANY.decode(raw)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= LARGEST else None
