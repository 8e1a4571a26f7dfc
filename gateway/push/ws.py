"""The WebSocket driver (RFC 6455): frames in, the mailbox out."""

from __future__ import annotations

from typing import Final

from gateway.config import MAX_FRAME_BYTES
from gateway.push.channel import Channel
from gateway.push.deflate import deflated_frame, inflate
from gateway.push.frames import (
    CloseFrame,
    FrameError,
    FrameReader,
    close_frame,
    ping_frame,
    pong_frame,
    text_frame,
)
from gateway.push.inbox import Inbox
from gateway.tokens.bearer import Bearer
from room import wire
from room.messages import Bye
from room.snapshot import Encoded, Snapshot

CLOSE_TIMEOUT_S: Final = 4.0
"""How long a peer may take to answer a close frame."""
TICKS_TO_PING: Final = 2
SILENT_TICKS: Final = 2 * TICKS_TO_PING
"""A connection that is silent for two ping intervals is aborted."""
PING: Final = ping_frame()
CONTROLS_PER_S: Final = 10
MIN_CONTROLS: Final = 100
"""A client may send so many between two looks at it, however close these are."""


class WebSocket(Inbox):
    """One WebSocket connection."""

    __slots__ = ("_controls", "_is_ping_due", "_silent")

    def __init__(self, channel: Channel, bearer: Bearer) -> None:
        super().__init__(channel, bearer)
        self._is_ping_due = False
        self._silent = 0
        self._controls = 0

    def opening(self) -> bytes:
        """Give the frames of what was said so far, to be sent with the 101 in one piece."""
        frames = []
        while (item := self.mailbox.take()) is not None:
            frames.append(self.frame_of(item))
            self.tally.sent += isinstance(item, Snapshot)
        return b"".join(frames)

    def frame_of(self, item: Encoded) -> bytes:
        """Give the frame of an item, made once for all who carry it."""
        frame = item.frame
        if not frame:
            frame = item.frame = text_frame(item.body)
        return frame

    def carry(self, item: Encoded) -> None:
        """Send the frame of a message."""
        self.transport.write(self.frame_of(item))  # type: ignore[union-attr]  # open: it is there

    def bring(self, snapshot: Snapshot) -> None:
        """Send the frame of a snapshot; this is what a sweep spends its time on."""
        self.tally.sent += 1
        self.transport.write(snapshot.frame or self.frame_of(snapshot))  # type: ignore[union-attr]

    def bid(self, bye: Bye) -> None:
        """Send the goodbye and the close frame, and give the peer a moment to answer it."""
        self._close(bye.code, bye.reason, text_frame(wire.encode(bye)))

    def tick(self) -> None:
        """Ping; give up on a peer that has been silent for two intervals."""
        if self.transport is None:
            return
        if self._silent >= SILENT_TICKS:
            self.transport.abort()
            return
        self._silent += 1
        self._controls = 0
        self._is_ping_due = not self._is_ping_due
        if self._is_ping_due:
            self.transport.write(PING)

    def is_done(self) -> bool:
        """Tell whether our close frame was sent, so that the peer's is waited for."""
        return self._is_closing

    def data_received(self, data: bytes) -> None:
        """Read frames; after a close frame of ours, nothing that comes counts but the peer's."""
        self._silent = 0
        self._feed(data)

    def eof_received(self) -> bool:
        """Close when the peer does: half a WebSocket is none."""
        return False

    def _pong(self, payload: bytes) -> None:
        """Answer a ping, unless the socket takes no more: then only the newest would matter."""
        if self.mailbox.is_open and not self._is_closing and self.transport is not None:
            self.transport.write(pong_frame(payload))

    def _count_control(self, count: int = 1) -> None:
        self._controls += count
        if self._controls > max(MIN_CONTROLS, CONTROLS_PER_S * self.channel.tick_s):
            raise FrameError(1008, "too many control frames")

    def _answer_close(self, close: CloseFrame) -> None:
        """Answer the peer's close frame, or take it as the answer to ours; then end."""
        if self.transport is not None:
            if not self._is_closing:
                self._begin_to_close(close_frame(close.code))
            self.transport.close()

    def _close(self, code: int, reason: str, before: bytes = b"") -> None:
        """Send a close frame and wait for the peer's (RFC 6455 7.1.1).

        To close at once could destroy our own last frames, if the peer was still sending.
        """
        if not self._is_closing and self.transport is not None:
            self._begin_to_close(before + close_frame(code, reason))

    def _begin_to_close(self, last: bytes) -> None:
        if self.transport is None:
            return
        self._is_closing = True
        self._inbox = None
        self.transport.write(last)
        self.retire()
        self.channel.wheel.set(self, CLOSE_TIMEOUT_S)
        if not self.transport.is_reading():
            self.transport.resume_reading()


class DeflatedWebSocket(WebSocket):
    """One that has agreed on permessage-deflate without context takeover (RFC 7692)."""

    __slots__ = ()

    def frame_of(self, item: Encoded) -> bytes:
        """Give the deflated frame of an item, made once for all who carry it."""
        return item.form(_deflated_frame)

    def bring(self, snapshot: Snapshot) -> None:
        """Send the deflated frame of a snapshot."""
        self.tally.sent += 1
        self.carry(snapshot)

    def new_reader(self) -> FrameReader:
        """Make what reads the client's frames."""
        return FrameReader(MAX_FRAME_BYTES, inflate)


def _deflated_frame(item: Encoded) -> bytes:
    """Deflate what gets shorter by it; each message is free to be sent as it is (RFC 7692 6)."""
    return min(deflated_frame(item.body), text_frame(item.body), key=len)
