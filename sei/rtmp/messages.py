"""What the messages of RTMP 1.0 say: their types, control messages, aggregates, metadata."""

from __future__ import annotations

from typing import Final

from sei.errors import BadRtmp
from sei.flv.tags import AUDIO, SCRIPT, VIDEO, Tag
from sei.rtmp import amf0
from sei.rtmp.chunks import Message

ACKNOWLEDGEMENT: Final = 3
USER_CONTROL: Final = 4
WINDOW_ACKNOWLEDGEMENT_SIZE: Final = 5
SET_PEER_BANDWIDTH: Final = 6
AMF3_DATA: Final = 15
AMF3_COMMAND: Final = 17
DATA: Final = 18
COMMAND: Final = 20
AGGREGATE: Final = 22

STREAM_EOF: Final = 1
SET_BUFFER_LENGTH: Final = 3
PING_REQUEST: Final = 6
PING_RESPONSE: Final = 7
"""Types of user control events (7.1.7)."""

MAX_PARTS: Final = 4096
"""Of an aggregate."""
_TIMES: Final = 1 << 32
_PART_HEADER_BYTES: Final = 11
_PART_SIZE_BYTES: Final = 4
_MEDIA: Final = {AUDIO, VIDEO, SCRIPT}
_SET_DATA_FRAME: Final = amf0.encode("@setDataFrame")
_METADATA: Final = amf0.encode("onMetaData")
_STRING: Final = b"\x02"
_PRIVATE: Final = "|"
"""Begins the names of data that a server says of itself, ``|RtmpSampleAccess`` for one."""


def control(kind: int, *numbers: int) -> Message:
    """Write a control message of numbers of four bytes (5.4)."""
    return Message(kind, 0, 0, b"".join(number.to_bytes(4, "big") for number in numbers))


def user_control(event: int, payload: bytes) -> Message:
    """Write a user control message (6.2)."""
    return Message(USER_CONTROL, 0, 0, event.to_bytes(2, "big") + payload)


def number_of(message: Message) -> int:
    """Read the number of a control message.

    Raises:
        BadRtmp: it is too short.
    """
    if len(message.body) < 4:
        raise BadRtmp(f"a control message of {len(message.body)} bytes")
    return int.from_bytes(message.body[:4], "big")


def split_aggregate(message: Message) -> list[Message]:
    """Split an aggregate (7.1.6): FLV tags, whose times are relative to that of the first.

    Raises:
        BadRtmp: its parts do not fill it, are too many, or aggregates themselves.
    """
    body, at = message.body, 0
    parts: list[Message] = []
    shift_ms = 0
    while at < len(body):
        header = body[at : at + _PART_HEADER_BYTES]
        begins = at + _PART_HEADER_BYTES
        ends = begins + int.from_bytes(header[1:4], "big")
        at = ends + _PART_SIZE_BYTES
        if at > len(body) or len(parts) == MAX_PARTS or header[0] == AGGREGATE:
            raise BadRtmp("an aggregate whose parts do not fit")
        time_ms = header[7] << 24 | int.from_bytes(header[4:7], "big")
        if not parts:
            shift_ms = message.timestamp_ms - time_ms
        time_ms = (time_ms + shift_ms) % _TIMES
        parts.append(Message(header[0], time_ms, message.stream, body[begins:ends]))
    return parts


def to_tag(message: Message) -> Tag | None:
    """Make the tag that a message of audio, video or data is; None where it is no part of FLV.

    Raises:
        BadRtmp: data that ends within its name.
    """
    kind, body = message.kind, message.body
    if kind == AMF3_DATA:  # a byte 0 says that AMF0 follows
        kind, body = SCRIPT, body.removeprefix(b"\0")
    if kind not in _MEDIA or not body:
        return None
    if kind == SCRIPT:
        body = body.removeprefix(_SET_DATA_FRAME)
        if not body.startswith(_STRING) or amf0.first_string(body)[0].startswith(_PRIVATE):
            return None
    return Tag(kind, message.timestamp_ms, body)


def from_tag(kind: int, timestamp_ms: int, stream: int, body: bytes) -> Message:
    """Make the message that carries a tag to a server."""
    if kind == SCRIPT and body.startswith(_METADATA):
        body = _SET_DATA_FRAME + body
    return Message(kind, timestamp_ms, stream, body)
