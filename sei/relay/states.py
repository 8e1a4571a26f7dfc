"""The newest state of each room, signed and encoded once, for whoever injects it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from room.errors import SeatsyncError
from room.position import Position
from sei.errors import TooManyChunks
from sei.insertion.state import HasBody, Signed, Signs, check_public
from sei.relay.words import State

_log: Final = logging.getLogger(__name__)

OnState = Callable[[State], None]


class StateSource(Protocol):
    """Where snapshots come from, a room at a time."""

    def follow(self, room: str) -> None:
        """Bring the snapshots of a room from now on.

        Raises:
            InvalidArgument: the room id is malformed.
        """
        ...

    def unfollow(self, room: str) -> None:
        """Bring them no more."""
        ...

    def last_heard_s(self, room: str) -> float | None:
        """Say how long ago the gateway confirmed the state of a room; None: never."""
        ...

    def counters(self) -> msgspec.Struct:
        """Say how the source itself is doing."""
        ...


class _Line:
    """Who wants one room under one size limit, and what they were told last."""

    def __init__(self) -> None:
        self.subscribers: Final[dict[object, OnState]] = {}
        self.state: State | None = None
        self.is_too_large = False


class _Room:
    """What is known of one room."""

    def __init__(self) -> None:
        self.lines: Final[dict[int, _Line]] = {}
        self.newest: Signed | None = None

    @property
    def position(self) -> Position | None:
        return None if self.newest is None else self.newest.head.position


class RoomStates:
    """Takes snapshots and gives each subscriber the messages to inject.

    Rooms that nobody subscribes to are not followed. Everything is synchronous; for one loop.

    Args:
        signer: signs each snapshot, once; None: nobody vouches for the state.
    """

    def __init__(self, *, signer: Signs | None = None) -> None:
        self._signer = signer
        self._source: StateSource | None = None
        self._rooms: Final[dict[str, _Room]] = {}
        self.refused = 0
        """Snapshots that were not for everybody to see, or not of a room that is wanted."""
        self.too_large = 0
        """Snapshots that did not fit under a size limit."""

    def attach(self, source: StateSource) -> None:
        """Follow the rooms that are wanted, now and later, with a source."""
        self._source = source
        for room in self._rooms:
            source.follow(room)

    def subscribe(self, room: str, max_message_bytes: int, on_state: OnState) -> Callable[[], None]:
        """Tell the newest state, at once if it is known, and each later one.

        Args:
            room: id of the room.
            max_message_bytes: limit of one message.
            on_state: told; it must not raise.

        Returns:
            The end of it; may be called twice.

        Raises:
            InvalidArgument: the room id is malformed.
        """
        if room not in self._rooms:
            if self._source is not None:
                self._source.follow(room)
            self._rooms[room] = _Room()
        known, token = self._rooms[room], object()
        line = known.lines.get(max_message_bytes)
        if line is None:
            line = known.lines[max_message_bytes] = _Line()
            self._encode(known, max_message_bytes)
        line.subscribers[token] = on_state
        if line.state is not None:
            on_state(line.state)
        return lambda: self._leave(room, max_message_bytes, token)

    def newest(self, room: str, max_message_bytes: int) -> State | None:
        """Give what the subscribers of a room and limit were told last."""
        known = self._rooms.get(room)
        line = None if known is None else known.lines.get(max_message_bytes)
        return None if line is None else line.state

    def age_s(self, room: str) -> float | None:
        """Say how long ago the gateway last confirmed the state; None: it never did."""
        return None if self._source is None else self._source.last_heard_s(room)

    def source_counters(self) -> dict[str, Any]:
        """Say how the source of the states is doing, by name; nothing where there is none."""
        return {} if self._source is None else msgspec.structs.asdict(self._source.counters())

    def offer(self, snapshot: HasBody) -> None:
        """Take a snapshot; an older one than is held is passed over.

        One that is not the anonymous view of ``state`` is refused, and logged.
        """
        try:
            head = check_public(snapshot.body)
        except SeatsyncError as error:
            self.refused += 1
            facts = {"code": error.code, "reason": error.message}
            _log.error("a snapshot must not go into a stream", extra=facts)
            return
        known = self._rooms.get(head.room)
        if known is None:
            self.refused += 1
        elif known.position is None or head.position > known.position:
            self._hold(known, Signed(snapshot.body, self._signer))

    def sign_with(self, signer: Signs | None) -> None:
        """Sign with another key from now on, the newest state of each room first.

        Positions stay: who joins before the next change can verify too, and the old key may go.
        """
        self._signer = signer
        for known in self._rooms.values():
            if known.newest is not None:
                self._hold(known, Signed(known.newest.body, signer))

    def _hold(self, known: _Room, signed: Signed) -> None:
        known.newest = signed
        for max_message_bytes, line in tuple(known.lines.items()):
            if self._encode(known, max_message_bytes) and line.state is not None:
                for on_state in tuple(line.subscribers.values()):
                    on_state(line.state)

    def _encode(self, known: _Room, max_message_bytes: int) -> bool:
        """Encode the newest state under a limit; tell whether that gave other messages.

        Where it does not fit the last one stays.
        """
        line, newest = known.lines[max_message_bytes], known.newest
        if newest is None:
            return False
        try:
            messages = newest.messages(max_message_bytes)
        except TooManyChunks as error:
            self._complain(line, newest, max_message_bytes, error)
            return False
        line.is_too_large = False
        head = newest.head
        state = State(
            room=head.room,
            max_message_bytes=max_message_bytes,
            epoch=head.epoch,
            version=head.version,
            messages=messages,
        )
        if state == line.state:  # signed again with the same key: no change to repeat thrice
            return False
        line.state = state
        return True

    def _complain(
        self, line: _Line, signed: Signed, max_message_bytes: int, error: TooManyChunks
    ) -> None:
        self.too_large += 1
        if line.is_too_large:  # said when it began
            return
        line.is_too_large = True
        facts = {
            "room": signed.head.room,
            "position": str(signed.head.position),
            "max_message_bytes": max_message_bytes,
            "code": error.code,
            "reason": error.message,
        }
        _log.error(
            "a state does not fit into the stream; the last one that fits stays", extra=facts
        )

    def _leave(self, room: str, max_message_bytes: int, token: object) -> None:
        known = self._rooms.get(room)
        line = None if known is None else known.lines.get(max_message_bytes)
        if known is None or line is None or line.subscribers.pop(token, None) is None:
            return
        if not line.subscribers:
            del known.lines[max_message_bytes]
        if not known.lines:
            del self._rooms[room]
            if self._source is not None:
                self._source.unfollow(room)
