"""The body of a message: text, self-delimiting, checked (SEI.md 1).

```
SS1 <flags> <room> <epoch> <version> <ts> <i>/<n> <len> <crc>[ <kid>:<sig>]\\n<piece>
```
| field | meaning |
| --- | --- |
| flags | `f` full snapshot, then `z` where the pieces together are raw deflate in base64url |
| room | `room_tag` of the room id |
| epoch, version, ts | position and commit time in ms |
| i/n | which piece of how many, 1 to 16 |
| len | bytes of the piece; what follows it (readers append `00` or `80`) is no part of it |
| crc | CRC-32 of the header up to the last digit of `<len>`, then the piece |
| kid:sig | key id and signature, on piece 1; carried, not judged here |
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from room.errors import InvalidArgument
from room.position import LARGEST, Position
from sei.errors import BadPayload, TooManyChunks

MAX_CHUNKS: Final = 16
MIN_MESSAGE_BYTES: Final = 300
MAX_MESSAGE_BYTES: Final = 4000
MAX_SNAPSHOT_BYTES: Final = 256 * 1024
_UUID_BYTES: Final = 16
_VARYING_BYTES: Final = len(b" 16/16 4000 01234567\n")
_DEFLATE_ABOVE_BYTES: Final = 600
_RAW_DEFLATE: Final = -15
_MAX_HEADER_BYTES: Final = 400
_NUMBER: Final = rb"(0|[1-9][0-9]{0,15})"
_HEADER: Final = re.compile(
    rb"(SS1 ([A-Za-z]{1,16}) ([A-Za-z0-9_-]{12}) "
    + rb" ".join([_NUMBER] * 3)
    + rb" ([1-9][0-9]?)/([1-9][0-9]?) (0|[1-9][0-9]{0,3})) ([0-9a-f]{8})"
    rb"(?: ([A-Za-z0-9_-]{1,32}):([A-Za-z0-9_-]{1,128}))?"
)


class Signature(NamedTuple):
    """Who vouches for a snapshot, and the proof; opaque here."""

    key_id: str
    value: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message, read: a whole snapshot or a piece of one."""

    room_tag: str
    position: Position
    ts_ms: int
    deflated: bool
    index: int
    """Which piece, from 1."""
    count: int
    piece: bytes
    crc_holds: bool
    signature: Signature | None


class StreamSnapshot(NamedTuple):
    """A whole snapshot that came out of a stream."""

    room_tag: str
    position: Position
    ts_ms: int
    body: bytes
    signature: Signature | None


def room_tag(room: str) -> str:
    """Name a room in public without its id: the first 12 base64url characters of its SHA-256."""
    digest = hashlib.sha256(room.encode()).digest()
    return base64.urlsafe_b64encode(digest)[:12].decode()


def encode(
    room: str,
    position: Position,
    ts_ms: int,
    body: bytes,
    *,
    max_message_bytes: int = 1000,
    signature: Signature | None = None,
) -> tuple[bytes, ...]:
    """Encode a snapshot as the bodies of one or more messages.

    Args:
        room: id of the room.
        position: where the snapshot stands.
        ts_ms: its commit time.
        body: its bytes; text, so without NUL.
        max_message_bytes: limit of a message, UUID and header counted, 300 to 4,000.
        signature: goes on the first piece.

    Raises:
        InvalidArgument: the limit is out of range, or the body holds a NUL.
        TooManyChunks: more than 16 messages would be needed, or no reader would inflate it.
    """
    if not MIN_MESSAGE_BYTES <= max_message_bytes <= MAX_MESSAGE_BYTES:
        raise InvalidArgument(f"a message has {MIN_MESSAGE_BYTES} to {MAX_MESSAGE_BYTES} bytes")
    if b"\x00" in body:
        raise InvalidArgument("a snapshot in a stream is text, without NUL")
    if len(body) > MAX_SNAPSHOT_BYTES:
        raise TooManyChunks(f"a snapshot in a stream has at most {MAX_SNAPSHOT_BYTES} bytes")
    flags, text = _pack(body)
    head = f"SS1 {flags} {room_tag(room)} {position.epoch} {position.version} {ts_ms}"
    tail = f" {signature.key_id}:{signature.value}" if signature else ""
    pieces = _cut(text, max_message_bytes - _UUID_BYTES - len(head) - _VARYING_BYTES, len(tail))
    return tuple(
        _message(f"{head} {index}/{len(pieces)} {len(piece)}", piece, tail if index == 1 else "")
        for index, piece in enumerate(pieces, start=1)
    )


def decode(body: bytes) -> Message | None:
    """Read the body of a message.

    Returns:
        The message, its CRC judged; None where it is of another format or has a reserved flag,
        which is to be ignored.

    Raises:
        BadPayload: it is of our format and does not follow it.
    """
    if not body.startswith(b"SS1 "):
        return None
    header, newline, _ = body[: _MAX_HEADER_BYTES + 1].partition(b"\n")
    match = _HEADER.fullmatch(header)
    if not newline or match is None:
        raise BadPayload("the header of a message is malformed")
    if match[2] not in (b"f", b"fz"):
        return None
    epoch, version, ts_ms, index, count, size = (int(match[group]) for group in range(4, 10))
    start = len(header) + 1
    piece = body[start : start + size]
    _check(max(epoch, version, ts_ms) <= LARGEST, "a number is over 2^53-1")
    _check(index <= count <= MAX_CHUNKS, "the piece is outside its count")
    _check(len(piece) == size <= MAX_MESSAGE_BYTES, "the piece is shorter or longer than it may be")
    _check(match[11] is None or index == 1, "a signature stands on a piece other than the first")
    return Message(
        room_tag=match[3].decode(),
        position=Position(epoch, version),
        ts_ms=ts_ms,
        deflated=match[2] == b"fz",
        index=index,
        count=count,
        piece=piece,
        crc_holds=_crc(match[1], piece) == match[10],
        signature=Signature(match[11].decode(), match[12].decode()) if match[11] else None,
    )


def inflate(text: bytes) -> bytes:
    """Undo the `z` flag.

    Raises:
        BadPayload: not base64url, not deflate, cut short, or larger than a snapshot may be.
    """
    inflater = zlib.decompressobj(_RAW_DEFLATE)
    try:
        packed = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        body = inflater.decompress(packed, MAX_SNAPSHOT_BYTES)
    except (ValueError, zlib.error) as error:
        raise BadPayload("the data is not deflate in base64url") from error
    _check(inflater.eof, "the deflated data is cut short or too large")
    return body


def _pack(body: bytes) -> tuple[str, bytes]:
    if len(body) > _DEFLATE_ABOVE_BYTES:
        deflater = zlib.compressobj(9, zlib.DEFLATED, _RAW_DEFLATE)
        packed = deflater.compress(body) + deflater.flush()
        text = base64.urlsafe_b64encode(packed).rstrip(b"=")
        if len(text) < len(body):
            return "fz", text
    return "f", body


def _cut(text: bytes, piece_bytes: int, tail_bytes: int) -> list[bytes]:
    """Cut into pieces; the first is shorter by what only it carries."""
    pieces = [text[: piece_bytes - tail_bytes]]
    done = len(pieces[0])
    while done < len(text):
        pieces.append(text[done : done + piece_bytes])
        done += len(pieces[-1])
    if len(pieces) > MAX_CHUNKS:
        raise TooManyChunks(
            f"a snapshot of {len(text)} bytes needs more than {MAX_CHUNKS} messages"
        )
    return pieces


def _message(header: str, piece: bytes, tail: str) -> bytes:
    start = header.encode()
    return b"%b %b%b\n%b" % (start, _crc(start, piece), tail.encode(), piece)


def _crc(header: bytes, piece: bytes) -> bytes:
    return b"%08x" % zlib.crc32(piece, zlib.crc32(header))


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise BadPayload(problem)
