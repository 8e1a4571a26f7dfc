"""The Server-Sent Events driver (WHATWG HTML 9.2): the mailbox out, nothing in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.push.channel import Channel
from gateway.push.connection import Connection
from gateway.push.farewell import retry_after_ms
from gateway.tokens.bearer import Bearer
from room import wire
from room.messages import Bye
from room.position import Position
from room.snapshot import Encoded, Snapshot

STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream\r\n"
    b"Cache-Control: no-store\r\n"
    b"X-Accel-Buffering: no\r\n"
    b"Connection: close\r\n"
)
"""The stream ends with its connection: an event that is cut off is no event (RFC 9112 6.3)."""
COMMENT: Final = b":\n\n"


class Typed(msgspec.Struct):
    """The type of a message, which becomes the event's name."""

    type: str


_TYPED: Final = msgspec.json.Decoder(Typed)


class EventStream(Connection):
    """One stream of events.

    Args:
        channel: what it shares with the others of its kind.
        bearer: whose it is.
        holds: what the reader holds of each document.
    """

    __slots__ = ("_is_over", "_sent")

    def __init__(self, channel: Channel, bearer: Bearer, holds: Mapping[str, Position]) -> None:
        super().__init__(channel, bearer)
        self._sent = dict(holds)
        self._is_over = False

    def opening(self) -> bytes:
        """Give the events of what was said so far, to be sent with the head in one piece."""
        events = [f"retry: {retry_after_ms()}\n\n".encode()]
        while (item := self.mailbox.take()) is not None:
            events.append(self._snapshot(item) if isinstance(item, Snapshot) else item.form(_event))
        return b"".join(events)

    def carry(self, item: Encoded) -> None:
        """Send a message as an event."""
        self.transport.write(item.form(_event))  # type: ignore[union-attr]  # open: it is there

    def bring(self, snapshot: Snapshot) -> None:
        """Send a snapshot as an event."""
        self.transport.write(self._snapshot(snapshot))  # type: ignore[union-attr]

    def bid(self, bye: Bye) -> None:
        """Send the goodbye and end the stream."""
        self._is_over = True
        if self.transport is not None:
            self.transport.write(_event(Encoded(wire.encode(bye))))
            self.retire()
            self.channel.wheel.set(self, self.channel.no_progress_s)
            self.transport.close()

    def tick(self) -> None:
        """Send a comment: it shows both sides that the other is there."""
        if self.transport is not None and self.mailbox.is_open:
            self.transport.write(COMMENT)

    def is_done(self) -> bool:
        """Tell whether the goodbye was sent."""
        return self._is_over

    def _snapshot(self, snapshot: Snapshot) -> bytes:
        """Write a snapshot; its id names the positions of all documents so far."""
        self.tally.sent += 1
        self._sent[snapshot.doc] = snapshot.position
        if len(self._sent) == 1:
            return snapshot.form(_lone_snapshot)
        return _snapshot(snapshot, ",".join(f"{doc}:{at}" for doc, at in self._sent.items()))


def _event(item: Encoded) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (_TYPED.decode(item.body).type.encode(), item.body)


def _lone_snapshot(item: Snapshot) -> bytes:
    """Write the event that every reader of this one document gets, made once for all of them."""
    return _snapshot(item, f"{item.doc}:{item.position}")


def _snapshot(item: Snapshot, ids: str) -> bytes:
    return b"event: snapshot\nid: %s\ndata: %s\n\n" % (ids.encode(), item.body)
