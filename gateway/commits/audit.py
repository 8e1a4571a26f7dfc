"""Who did what to others and to the room: privileged commands as lines of JSON, refused ones too.

A line holds ids only: no token, no nickname, no picture.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from room.actor import Actor
from room.commands import Request, SeatMove
from room.errors import CannotStart
from room.messages import Ack
from room.position import Position

log = logging.getLogger(__name__)
LOGGER: Final = "seatsync.audit"

PRIVILEGED: Final = frozenset(
    {
        "session.start",
        "session.end",
        "seat.kick",
        "seat.lock",
        "seat.unlock",
        "seat.mute",
        "seat.unmute",
        "seat.mode.set",
        "seat.count.set",
        "user.mute",
        "user.unmute",
        "user.ban",
        "user.unban",
        "role.grant",
        "role.revoke",
        "request.accept",
        "request.reject",
        "invite.send",
        "invite.cancel",
    }
)
"""Commands upon others or upon the room, whoever tries them; ``seat.move`` is one where it names
somebody else."""

_WHOM: Final = ("user_id", "seat_index", "request_id")


class Line(msgspec.Struct, frozen=True):
    """One privileged command, and how it ended."""

    ts: int
    """When it ended, in ms since 1970."""
    room: str
    actor: str
    kind: str
    roles: tuple[str, ...]
    """What the platform made the actor; their rank in the room is the room's business."""
    cmd: str
    """A command, or ``document.set``."""
    cmd_id: str | None
    whom: dict[str, Any]
    """Of ``user_id``, ``seat_index``, ``request_id`` and ``doc`` those that it named."""
    code: str
    """``ok``, or the error's."""
    position: str | None
    """Of ``state`` after it, or of the document; None where it was refused."""
    reason: str | None
    """As the actor gave it."""


class Sink(Protocol):
    """Where the lines go."""

    def write(self, line: Line) -> None:
        """Write one line; what goes wrong is logged, never raised."""
        ...

    def reopen(self) -> None:
        """Begin a new file where the old one was moved away."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class LogSink:
    """Writes to the log, at a level that ``--log-level`` does not reach."""

    def __init__(self) -> None:
        self._log = logging.getLogger(LOGGER)
        self._log.setLevel(logging.INFO)

    def write(self, line: Line) -> None:
        """Log one line; its fields become the record's."""
        self._log.info("privileged command", extra=msgspec.structs.asdict(line))

    def reopen(self) -> None:
        """Nothing to open: the log has a stream of its own."""

    def close(self) -> None:
        """Nothing to let go of."""


class FileSink:
    """Appends to a file that is its owner's alone, each line by one write (POSIX ``O_APPEND``).

    Raises:
        CannotStart: it can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._torn = False
        try:
            self._descriptor = self._open()
        except OSError as error:
            raise CannotStart(f"the audit log {path}: {error.strerror}") from error

    def write(self, line: Line) -> None:
        """Append one line, or log that it is lost, and what it said."""
        text = json.dumps(msgspec.structs.asdict(line)).encode() + b"\n"  # ASCII: one line to all
        try:
            self._append(text)
        except OSError as error:
            log.error(  # noqa: TRY400 - the line itself is what counts, not where we stand
                "the audit log can't be written",
                extra={"cause": error.strerror, "line": text.decode().rstrip()},
            )

    def _append(self, text: bytes) -> None:
        """Write all of it; after half a line, of a full disk, the next begins on a new one."""
        rest = b"\n" + text if self._torn else text
        size = len(rest)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        finally:
            if len(rest) < size:
                self._torn = bool(rest)

    def reopen(self) -> None:
        """Open the path anew; where that fails, the file that is open stays in use."""
        try:
            descriptor = self._open()
        except OSError as error:
            log.error(  # noqa: TRY400 - the cause is said
                "the audit log can't be opened again", extra={"cause": error.strerror}
            )
            return
        os.close(self._descriptor)
        self._descriptor, self._torn = descriptor, False

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


class Audit:
    """Writes down what is privileged, and passes over the rest."""

    def __init__(self, sink: Sink, clock_ms: Callable[[], int]) -> None:
        self._sink = sink
        self._clock_ms = clock_ms

    @classmethod
    def open(cls, path: Path | None, clock_ms: Callable[[], int]) -> Audit:
        """Begin to write to a file, or to the log where none is given.

        Raises:
            CannotStart: the file can't be opened.
        """
        return cls(LogSink() if path is None else FileSink(path), clock_ms)

    def record(self, room: str, actor: Actor, request: Request, code: str, ack: Ack | None) -> None:
        """Write down a command that ended, if it is privileged.

        One that came too soon after others was not looked at and is not written: whoever floods a
        room would fill the log with it.

        Args:
            room: where.
            actor: who sent it.
            request: what was sent.
            code: ``ok``, or the error's.
            ack: None where it was refused.
        """
        if code == "RATE_LIMITED" or not _is_privileged(actor, request):
            return
        command = request.command
        whom = {name: getattr(command, name, None) for name in _WHOM}
        self._write(
            room,
            actor,
            request.name,
            code,
            cmd_id=request.cmd_id,
            whom={name: value for name, value in whom.items() if value is not None},
            position=None if ack is None else ack.position,
            reason=getattr(command, "reason", None),
        )

    def record_document(
        self, room: str, actor: Actor, doc: str, code: str, position: Position | None = None
    ) -> None:
        """Write down an attempt to set an ``x-`` document."""
        self._write(room, actor, "document.set", code, whom={"doc": doc}, position=position)

    def reopen(self) -> None:
        """Begin a new file where the old one was moved away."""
        self._sink.reopen()

    def close(self) -> None:
        """Let go of the file; nothing is written after this."""
        self._sink.close()

    def _write(
        self,
        room: str,
        actor: Actor,
        cmd: str,
        code: str,
        *,
        whom: dict[str, Any],
        position: Position | None,
        cmd_id: str | None = None,
        reason: str | None = None,
    ) -> None:
        line = Line(
            ts=self._clock_ms(),
            room=room,
            actor=actor.user_id,
            kind=actor.kind,
            roles=actor.roles,
            cmd=cmd,
            cmd_id=cmd_id,
            whom=whom,
            code=code,
            position=None if position is None else str(position),
            reason=reason,
        )
        self._sink.write(line)


def _is_privileged(actor: Actor, request: Request) -> bool:
    if isinstance(request.command, SeatMove):
        return request.command.user_id not in (None, actor.user_id)
    return request.name in PRIVILEGED
