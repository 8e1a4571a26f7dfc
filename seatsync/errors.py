"""What may go wrong in the client, in addition to ``room.errors``."""

from __future__ import annotations

from collections.abc import Mapping

from room.errors import TABLE, SeatsyncError, Travel
from room.position import Position
from room.reconcile import CHANNELS, Channel


class SourceEnded(SeatsyncError):
    """One life of a channel's connection is over.

    Attributes:
        reason: one sentence for a person; holds nothing secret.
        permanent: trying again would be answered the same.
        retry_after_ms: when the server wants to be asked again, where it said so.
    """

    def __init__(
        self,
        reason: str,
        *,
        permanent: bool = False,
        retry_after_ms: int | None = None,
        code: str = "UNAVAILABLE",
    ) -> None:
        super().__init__(reason, code=code, retry_after_ms=retry_after_ms)
        self.reason = reason
        self.permanent = permanent


class RoomEnded(SeatsyncError):
    """No channel is left that could ever bring a snapshot.

    Attributes:
        room: id of the room.
        endings: why each channel was given up, best channel first.
    """

    def __init__(self, room: str, endings: Mapping[Channel, SourceEnded]) -> None:
        self.room = room
        self.endings = {channel: endings[channel] for channel in CHANNELS if channel in endings}
        codes = [ending.code for ending in self.endings.values()]
        super().__init__(
            f"room {room} cannot be followed any more: "
            + "; ".join(f"{channel}: {ending.reason}" for channel, ending in self.endings.items()),
            code=codes[0] if codes else "UNAVAILABLE",
        )


class CommandRefused(SeatsyncError):
    """The gateway answered a command with an error; nothing was changed.

    Attributes:
        retryable: whether the same command may succeed later.
        status: HTTP status of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool,
        status: int,
        retry_after_ms: int | None = None,
        position: Position | None = None,
    ) -> None:
        super().__init__(message, code=code, retry_after_ms=retry_after_ms, position=position)
        self.retryable = retryable
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    @property
    def travel(self) -> Travel:
        """What is known of the code; a newer gateway may have codes that are not in the table."""
        return TABLE.get(self.code, Travel(self.status, 4501, self.retryable))


class CommandUnanswered(SeatsyncError):
    """No answer came, so the command may have been carried out or not.

    The same command with the same ``cmd_id`` may be sent again: it is carried out at most once.

    Attributes:
        cmd_id: id that the command was sent with.
    """

    def __init__(self, cmd_id: str, reason: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(f"no answer to command {cmd_id}: {reason}", retry_after_ms=retry_after_ms)
        self.cmd_id = cmd_id
