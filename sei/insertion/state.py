"""What goes into a stream: the newest anonymous snapshot of one room, as messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from room.errors import InvalidArgument
from room.position import Position
from room.snapshot import Head, read_head
from sei.wire.payload import encode


class HasBody(Protocol):
    """A snapshot, whatever else its type says of it."""

    @property
    def body(self) -> bytes:
        """Its bytes; what identifies it is read from them."""


StateAt = Callable[[float], bytes | None]
"""Gives the newest snapshot at a time of the stream in seconds; None while it is not known."""


def fixed_state(body: bytes) -> StateAt:
    """Give the same snapshot at every time.

    Raises:
        InvalidArgument: the bytes are not an anonymous snapshot of a room's state.
        Malformed: they are not JSON.
    """
    check_public(body)
    return lambda _time_s: body


def check_public(body: bytes) -> Head:
    """Read the head of a snapshot that is to be seen by everybody.

    Raises:
        InvalidArgument: the bytes are no snapshot of ``state``, or not its anonymous view.
        Malformed: they are not JSON.
    """
    head = read_head(body)
    if (head.doc, head.view) != ("state", "anonymous"):
        raise InvalidArgument(
            f"only the anonymous view of state goes into a stream, not {head.view} of {head.doc}"
        )
    return head


class Encoder:
    """Encodes each snapshot of one room once, however often it is asked for.

    An older snapshot than one it has had is passed over: positions in a stream never fall.

    Args:
        room: id of the room; None takes it from the first snapshot.
        max_message_bytes: limit of one message.
    """

    def __init__(self, room: str | None = None, *, max_message_bytes: int = 1000) -> None:
        self._room = room
        self._max_message_bytes: Final = max_message_bytes
        self._body: bytes | None = None
        self._position: Position | None = None
        self._messages: tuple[bytes, ...] = ()

    @property
    def newest(self) -> tuple[bytes, ...]:
        """The messages of the newest snapshot so far; none before there is one."""
        return self._messages

    def messages(self, body: bytes | None) -> tuple[bytes, ...]:
        """Give the messages of the newest snapshot so far; none before there is one.

        Raises:
            InvalidArgument: the snapshot is of another room, document or view.
            Malformed: it is not JSON.
            TooManyChunks: it is too large for the channel.
        """
        if body is not None and body is not self._body:
            self._take(body)
        return self._messages

    def _take(self, body: bytes) -> None:
        head = check_public(body)
        if self._room is None:
            self._room = head.room
        if head.room != self._room:
            raise InvalidArgument("the snapshot is of another room than the stream")
        if self._position is None or head.position > self._position:
            self._messages = encode(
                head.room,
                head.position,
                head.ts,
                body,
                max_message_bytes=self._max_message_bytes,
            )
            self._position = head.position
        self._body = body
