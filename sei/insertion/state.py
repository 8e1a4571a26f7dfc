"""What goes into a stream: the newest anonymous snapshot of one room, as messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from room.errors import InvalidArgument
from room.position import LARGEST, Position
from room.snapshot import Head, read_head
from sei.wire.payload import Signature, encode


class HasBody(Protocol):
    """A snapshot, whatever else its type says of it."""

    @property
    def body(self) -> bytes:
        """Its bytes; what identifies it is read from them."""


class Signs(Protocol):
    """What vouches for a snapshot; ``sei.wire.signature.Signer`` does."""

    def sign(self, room: str, position: Position, ts_ms: int, body: bytes) -> Signature:
        """Sign a snapshot by its room, position, commit time and bytes."""
        ...


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
        InvalidArgument: the bytes are no snapshot of ``state``, or not its anonymous view, or have
            a position or time that no reader takes.
        Malformed: they are not JSON.
    """
    head = read_head(body)
    if (head.doc, head.view) != ("state", "anonymous"):
        raise InvalidArgument(
            f"only the anonymous view of state goes into a stream, not {head.view} of {head.doc}"
        )
    numbers = (*head.position, head.ts)
    if not 0 <= min(numbers) <= max(numbers) <= LARGEST:
        raise InvalidArgument("position and time of a snapshot are within 0 and 2^53-1")
    return head


class Signed:
    """A snapshot that everybody may see, signed once and encoded once for each size limit.

    Every stream of a room, whatever its limit, shares one of these a version; repeats take what
    was made. For one thread.

    Args:
        body: the bytes of the snapshot.
        signer: signs it; None: nobody vouches for it.

    Raises:
        InvalidArgument: the bytes are not an anonymous snapshot of a room's state.
        Malformed: they are not JSON.
    """

    def __init__(self, body: bytes, signer: Signs | None = None) -> None:
        self.head: Final = check_public(body)
        self.body: Final = body
        self.signature: Final = (
            None
            if signer is None
            else signer.sign(self.head.room, self.head.position, self.head.ts, body)
        )
        self._messages: Final[dict[int, tuple[bytes, ...]]] = {}

    def messages(self, max_message_bytes: int = 1000) -> tuple[bytes, ...]:
        """Give its messages under a size limit.

        Raises:
            InvalidArgument: no message may be of that size.
            TooManyChunks: it is too large for the channel.
        """
        messages = self._messages.get(max_message_bytes)
        if messages is None:
            messages = self._messages[max_message_bytes] = encode(
                self.head.room,
                self.head.position,
                self.head.ts,
                self.body,
                max_message_bytes=max_message_bytes,
                signature=self.signature,
            )
        return messages


class Encoder:
    """Encodes each snapshot of one room once, however often it is asked for.

    An older snapshot than one it has had is passed over: positions in a stream never fall.

    Args:
        room: id of the room; None takes it from the first snapshot.
        max_message_bytes: limit of one message.
        signer: signs each snapshot, once; None: nobody vouches for what goes into the stream.
    """

    def __init__(
        self,
        room: str | None = None,
        *,
        max_message_bytes: int = 1000,
        signer: Signs | None = None,
    ) -> None:
        self._room = room
        self._max_message_bytes: Final = max_message_bytes
        self._signer = signer
        self._signed: Signed | None = None
        self._offered: bytes | None = None
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
        if body is not None and body is not self._offered:
            self._take(body)
        return self._messages

    def rotate(self, signer: Signs | None) -> tuple[bytes, ...]:
        """Sign with another key from now on, the newest snapshot first.

        It is signed anew at its position: else who joins before the next change would see nothing
        but the old key, which may be retired by then.

        Raises:
            TooManyChunks: a longer key id makes it too large; nothing has changed then.
        """
        if self._signed is not None:
            self._hold(Signed(self._signed.body, signer))
        self._signer = signer
        return self._messages

    def _take(self, body: bytes) -> None:
        head = check_public(body)
        if self._room is None:
            self._room = head.room
        if head.room != self._room:
            raise InvalidArgument("the snapshot is of another room than the stream")
        if self._signed is None or head.position > self._signed.head.position:
            self._hold(Signed(body, self._signer))
        self._offered = body

    def _hold(self, signed: Signed) -> None:
        self._messages = signed.messages(self._max_message_bytes)
        self._signed = signed
