"""Join the pieces of snapshots again."""

from __future__ import annotations

from typing import Final

from room.position import Position
from sei.wire.payload import Message, Signature, StreamSnapshot, inflate

_Key = tuple[str, Position, int, int, bool]


class Assembler:
    """Takes messages in any order and gives whole snapshots.

    Unfinished snapshots are bounded: the one begun first is given up for a new one. A piece whose
    CRC does not hold is dropped; its repeat will come.
    """

    def __init__(self, *, max_unfinished: int = 4) -> None:
        self._max_unfinished: Final = max_unfinished
        self._unfinished: Final[dict[_Key, dict[int, Message]]] = {}

    def offer(self, message: Message) -> StreamSnapshot | None:
        """Take one message; give the snapshot that it completes.

        Raises:
            BadPayload: the pieces are all there, and what they make up cannot be inflated.
        """
        if not message.crc_holds:
            return None
        key = _key(message)
        pieces = self._unfinished.setdefault(key, {})
        pieces[message.index] = message
        if len(pieces) == message.count:
            del self._unfinished[key]
            return _join(pieces)
        if len(self._unfinished) > self._max_unfinished:
            del self._unfinished[next(iter(self._unfinished))]
        return None


def _key(message: Message) -> _Key:
    return (
        message.room_tag,
        message.position,
        message.ts_ms,
        message.count,
        message.deflated,
    )


def _join(pieces: dict[int, Message]) -> StreamSnapshot:
    first = pieces[1]
    text = b"".join(pieces[index].piece for index in sorted(pieces))
    signature: Signature | None = first.signature
    return StreamSnapshot(
        first.room_tag,
        first.position,
        first.ts_ms,
        inflate(text) if first.deflated else text,
        signature,
    )
