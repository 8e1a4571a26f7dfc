"""The commands of RTMP 1.0, 7.2, that a client sends, and what servers say to them."""

from __future__ import annotations

from typing import Final, NamedTuple

from sei.errors import BadRtmp
from sei.rtmp import amf0
from sei.rtmp.address import RtmpAddress
from sei.rtmp.amf0 import Value
from sei.rtmp.chunks import Message
from sei.rtmp.messages import AMF3_COMMAND, COMMAND

CONNECT: Final = 1
RELEASE_STREAM: Final = 2
FC_PUBLISH: Final = 3
CREATE_STREAM: Final = 4
FC_UNPUBLISH: Final = 5
DELETE_STREAM: Final = 6
"""Transactions; every command is sent once."""
MAX_COMMAND_BYTES: Final = 64 * 1024
_MAX_TEXT_CHARACTERS: Final = 1000
_FOUR_CC: Final[list[Value]] = ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus", ".mp3", "ac-3"]
"""Enhanced RTMP v2: what passes through here untouched."""
_PLAYER: Final = "LNX 9,0,124,2 (seatsync)"
_ENCODER: Final = "FMLE/3.0 (compatible; seatsync)"
"""Servers look at how these begin."""


class Answer(NamedTuple):
    """A command that came from the server."""

    name: str
    transaction: float
    values: list[Value]
    """What follows: a command object or null, then what belongs to the command."""

    @property
    def status(self) -> Status:
        """What it tells of a request, if it tells something."""
        last = self.values[-1] if self.values else None
        return status_of(last)


class Status(NamedTuple):
    """The outcome of a request (7.2.2)."""

    code: str
    level: str
    description: str


def read_command(message: Message) -> Answer:
    """Read a command.

    Raises:
        BadRtmp: it has no name, or is longer than is taken.
    """
    body = message.body
    if len(body) > MAX_COMMAND_BYTES:
        raise BadRtmp(f"a command of {len(body)} bytes")
    if message.kind == AMF3_COMMAND:  # a byte 0 says that AMF0 follows
        body = body.removeprefix(b"\0")
    values = amf0.decode(body)
    name, transaction = (*values[:2], None, None)[:2]
    if not isinstance(name, str):
        raise BadRtmp("a command without a name")
    # FFmpeg's server sends onFCPublish without a transaction.
    return Answer(name, transaction if isinstance(transaction, float) else 0, values[2:])


def status_of(value: Value) -> Status:
    """Read the object that tells an outcome; what is missing is empty."""
    if not isinstance(value, dict):
        return Status("", "", "")
    return Status(*(_text(value.get(name)) for name in ("code", "level", "description")))


def connect(address: RtmpAddress, *, publishes: bool) -> Message:
    """Write ``connect`` (7.2.1.1, Enhanced RTMP v2 for ``fourCcList``)."""
    about: dict[str, Value] = {"app": address.app}
    if publishes:
        about |= {"type": "nonprivate", "flashVer": _ENCODER, "tcUrl": address.tc_url}
    else:
        about |= {"flashVer": _PLAYER, "tcUrl": address.tc_url, "fpad": False}
        about |= {"capabilities": 15, "audioCodecs": 4071, "videoCodecs": 252, "videoFunction": 1}
    about["fourCcList"] = _FOUR_CC
    return command("connect", CONNECT, about)


def command(name: str, transaction: int, *values: Value, stream: int = 0) -> Message:
    """Write a command."""
    return Message(COMMAND, 0, stream, amf0.encode(name, transaction, *values))


def _text(value: Value | None) -> str:
    """Make what a peer wrote fit for a log."""
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in value[:_MAX_TEXT_CHARACTERS])
