"""The WebSocket driver (RFC 6455): frames in, the mailbox out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final

from gateway.config import MAX_FRAME_BYTES
from gateway.push.channel import Channel
from gateway.push.connection import Connection
from gateway.push.conversation import Conversation, Rest
from gateway.push.deflate import deflated_frame, inflate
from gateway.push.frames import (
    CloseFrame,
    Event,
    FrameError,
    FrameReader,
    PingFrame,
    Text,
    close_frame,
    lone_event,
    ping_frame,
    pong_frame,
    text_frame,
)
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
FRAGMENTS_AS_ONE: Final = 32
"""Fragments of a message that cost what a control frame costs."""
MAX_AT_ONCE: Final = 32
"""Messages of one connection that are answered before others have their turn."""
INTERNAL_ERROR: Final = 1011
"""RFC 6455 7.4.1."""


class WebSocket(Connection):
    """One WebSocket connection.

    What it holds while it is idle is little: the frame reader and the messages that wait exist only
    while there is something in them.
    """

    __slots__ = (
        "_controls",
        "_inbox",
        "_is_answering",
        "_is_closing",
        "_is_ping_due",
        "_reader",
        "_silent",
    )

    def __init__(self, channel: Channel, bearer: Bearer) -> None:
        super().__init__(channel, bearer)
        self._reader: FrameReader | None = None
        self._inbox: deque[bytes | CloseFrame] | None = None
        self._is_answering = False
        self._is_closing = False
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

    def new_reader(self) -> FrameReader:
        """Make what reads the client's frames."""
        return FrameReader(MAX_FRAME_BYTES)

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

    def _feed(self, data: bytes) -> None:
        try:
            self._take(self._read(data))
            wrong = None if self._reader is None else self._reader.error
        except FrameError as error:
            wrong = error
        if wrong is not None:
            self._reader = None  # what may still come is the answer to our close
            self._close(wrong.code, wrong.reason)

    def _read(self, data: bytes) -> list[Event]:
        """Read events; a reader is kept only while a message is not whole."""
        reader = self._reader
        if reader is None:
            event = lone_event(data, MAX_FRAME_BYTES)
            if event is not None and not isinstance(event, CloseFrame):
                return [event]
            reader = self._reader = self.new_reader()
        events = reader.feed(data)
        if reader.is_idle:
            self._reader = None
        return events

    def eof_received(self) -> bool:
        """Close when the peer does: half a WebSocket is none."""
        return False

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Text):
                self._take_text(event)
            elif isinstance(event, CloseFrame):
                self._take_close(event)
            else:
                self._count_control()
                if isinstance(event, PingFrame):
                    self._pong(event.payload)
        if (self._inbox or self._has_more) and not self._is_answering:
            self._read_on()
        elif self._inbox:
            self._read_or_not()

    @property
    def _has_more(self) -> bool:
        return self._reader is not None and self._reader.has_more

    def _take_close(self, close: CloseFrame) -> None:
        """Answer a close once what was sent before it is answered."""
        if self._is_closing or not (self._inbox or self._is_answering):
            self._answer_close(close)
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(close)

    def _take_text(self, text: Text) -> None:
        """Let a message wait its turn."""
        self._count_control(text.frames // FRAGMENTS_AS_ONE)
        if self._is_closing or self.mailbox.is_leaving:
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(text.payload)

    def _read_on(self) -> None:
        """Answer what waits, one after the other, while its answers are read; then let others on.

        The socket is read only while little waits here.
        """
        answered = 0
        while self._inbox and not self._is_answering and not self.mailbox.is_full:
            if answered == MAX_AT_ONCE:
                self._await(asyncio.sleep(0))
                break
            payload = self._inbox.popleft()
            if isinstance(payload, CloseFrame):
                self._answer_close(payload)
                return
            if self.conversation is not None and not self.mailbox.is_leaving:
                rest = self._answer(self.conversation, payload)
                answered += 1
                if rest is not None:
                    self._await(rest)
        if not self._inbox:
            self._inbox = None
            if self._has_more and not self._is_answering:
                self._await(self._read_more())
        self._read_or_not()

    async def _read_more(self) -> None:
        """Read the next frames of a piece that holds many."""
        await asyncio.sleep(0)
        if self.transport is None:
            self._reader = None
        else:
            self._feed(b"")

    def _answer(self, conversation: Conversation, payload: bytes) -> Rest:
        try:
            return conversation.receive(payload)
        except Exception:
            self._close(INTERNAL_ERROR, "something went wrong here")
            raise

    def _read_or_not(self) -> None:
        transport, waits = self.transport, bool(self._inbox) or self._has_more
        if transport is None or transport.is_closing():
            return
        if waits and transport.is_reading():
            transport.pause_reading()
        elif not waits and not transport.is_reading():
            transport.resume_reading()

    def _await(self, rest: Coroutine[Any, Any, None]) -> None:
        self._is_answering = True
        self.channel.spawn(self._finish(rest))

    async def _finish(self, rest: Coroutine[Any, Any, None]) -> None:
        """Wait for an answer, then read on; it is carried through if the peer leaves meanwhile."""
        try:
            await rest
        except Exception:
            self._close(INTERNAL_ERROR, "something went wrong here")
            raise
        finally:
            self._is_answering = False
            self._read_on()

    def resume_writing(self) -> None:
        """The socket takes again: send what waits, and answer what waits for that."""
        super().resume_writing()
        if self._inbox and not self._is_answering:
            self._read_on()

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
