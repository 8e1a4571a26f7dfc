"""The error tree, and the one table that says how each code travels.

Facts are attributes; the sentence is built from them. Nothing here is told to a peer but ``code``,
``message``, ``retryable`` and the attributes that PROTOCOL.md names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from room.position import Position


class Travel(NamedTuple):
    """How an error code leaves by each road."""

    status: int
    """HTTP status."""
    close: int
    """WebSocket close code, where the error ends a connection; 4500 and up: do not come back."""
    retryable: bool
    """Whether the same request may succeed later without a change to it."""


TABLE: Final[dict[str, Travel]] = {
    "INVALID_ARGUMENT": Travel(400, 4501, False),
    "UNKNOWN_COMMAND": Travel(400, 4501, False),
    "MALFORMED": Travel(400, 4501, False),
    "UNAUTHENTICATED": Travel(401, 4500, False),
    "FORBIDDEN": Travel(403, 4501, False),
    "TARGET_OUTRANKS": Travel(403, 4501, False),
    "USER_BANNED": Travel(403, 4501, False),
    "MUTED_BY_ADMIN": Travel(403, 4501, False),
    "SILENCED": Travel(403, 4501, False),
    "ROOM_NOT_FOUND": Travel(404, 4502, False),
    "SEAT_NOT_FOUND": Travel(404, 4501, False),
    "REQUEST_NOT_FOUND": Travel(404, 4501, False),
    "DOC_NOT_FOUND": Travel(404, 4501, False),
    "PLAY_SPEC_UNKNOWN": Travel(404, 4501, False),
    "NOT_FOUND": Travel(404, 4501, False),
    "METHOD_NOT_ALLOWED": Travel(405, 4501, False),
    "SEAT_OCCUPIED": Travel(409, 4501, False),
    "SEAT_LOCKED": Travel(409, 4501, False),
    "SEAT_RESERVED": Travel(409, 4501, False),
    "SEAT_CHANGED": Travel(409, 4501, False),
    "ALREADY_ON_SEAT": Travel(409, 4501, False),
    "NOT_ON_SEAT": Travel(409, 4501, False),
    "NO_FREE_SEAT": Travel(409, 4501, False),
    "IN_OTHER_ROOM": Travel(409, 4501, False),
    "APPROVAL_REQUIRED": Travel(409, 4501, False),
    "INVITE_REQUIRED": Travel(409, 4501, False),
    "SESSION_NOT_LIVE": Travel(409, 4501, False),
    "SESSION_ALREADY_LIVE": Travel(409, 4501, False),
    "PLAY_ALREADY_RUNNING": Travel(409, 4501, False),
    "USER_OFFLINE": Travel(409, 4501, False),
    "QUEUE_FULL": Travel(409, 4501, False),
    "CONFLICT_RETRY": Travel(409, 4002, True),
    "REQUEST_EXPIRED": Travel(410, 4501, False),
    "VERSION_MISMATCH": Travel(412, 4501, False),
    "TOO_LARGE": Travel(413, 1009, False),
    "UNSUPPORTED_ENCODING": Travel(415, 4501, False),
    "IDEMPOTENCY_KEY_REUSED": Travel(422, 4501, False),
    "CONTENT_REJECTED": Travel(422, 4501, False),
    "UPGRADE_REQUIRED": Travel(426, 4504, False),
    "RATE_LIMITED": Travel(429, 4002, True),
    "UNAVAILABLE": Travel(503, 4002, True),
    "OVERLOADED": Travel(503, 4002, True),
}
"""PROTOCOL.md 5; NOT_FOUND and METHOD_NOT_ALLOWED answer paths that are no part of the protocol."""


class SeatsyncError(Exception):
    """Root of every error that seatsync raises on purpose.

    Attributes:
        code: one of ``TABLE``.
        message: one sentence for a person.
        retry_after_ms: when to try again, where that is known.
        position: of the room's ``state`` document when the error arose, where it is known.
    """

    code = "UNAVAILABLE"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after_ms: int | None = None,
        position: Position | None = None,
    ) -> None:
        super().__init__(message)
        self.code = self.code if code is None else code
        self.message = message
        self.retry_after_ms = retry_after_ms
        self.position = position

    @property
    def travel(self) -> Travel:
        """HTTP status, close code and whether a retry may help."""
        return TABLE[self.code]


class InvalidArgument(SeatsyncError):
    """A value is of the wrong type, form or range."""

    code = "INVALID_ARGUMENT"


class Malformed(SeatsyncError):
    """The bytes are not JSON, or not UTF-8."""

    code = "MALFORMED"


class Unauthenticated(SeatsyncError):
    """A token is missing where one is needed, or it does not hold."""

    code = "UNAUTHENTICATED"


class Refused(SeatsyncError):
    """The rules say no; ``code`` says which rule (DOMAIN.md 3)."""

    def __init__(self, message: str, *, code: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message, code=code, retry_after_ms=retry_after_ms)


class RoomNotFound(SeatsyncError):
    """No room has that id."""

    code = "ROOM_NOT_FOUND"

    def __init__(self, room: str) -> None:
        super().__init__("no such room")
        self.room = room


class Unavailable(SeatsyncError):
    """The store does not answer."""

    code = "UNAVAILABLE"


class Unreadable(Unavailable):
    """What the store holds of one room can't be read; the store itself answers."""


class CannotStart(SeatsyncError):
    """A program can't start as it was told to; the message says what to do about it."""
