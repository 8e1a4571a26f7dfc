"""What a WebSocket client sends, in order: read in parts, answered in turn, and bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final

from gateway.config import MAX_FRAME_BYTES
from gateway.push.channel import Channel
from gateway.push.connection import Connection
from gateway.push.conversation import Conversation, Rest
from gateway.push.frames import (
    CloseFrame,
    Event,
    FrameError,
    FrameReader,
    PingFrame,
    Text,
    lone_event,
)
from gateway.tokens.bearer import Bearer

FRAGMENTS_AS_ONE: Final = 32
"""Fragments of a message that cost what a control frame costs."""
MAX_AT_ONCE: Final = 32
"""Messages of one connection that are answered before others have their turn."""
INTERNAL_ERROR: Final = 1011
"""RFC 6455 7.4.1."""


class Inbox(Connection):
    """The reading half of a WebSocket connection; what is sent is the business of the other.

    What it holds while it is idle is little: the frame reader and the messages that wait exist only
    while there is something in them.
    """

    __slots__ = ("_inbox", "_is_answering", "_is_closing", "_reader")

    def __init__(self, channel: Channel, bearer: Bearer) -> None:
        super().__init__(channel, bearer)
        self._reader: FrameReader | None = None
        self._inbox: deque[bytes | CloseFrame] | None = None
        self._is_answering = False
        self._is_closing = False

    def new_reader(self) -> FrameReader:
        """Make what reads the client's frames."""
        return FrameReader(MAX_FRAME_BYTES)

    def _count_control(self, count: int = 1) -> None:
        """Count what costs work and says nothing.

        Raises:
            FrameError: it is too much.
        """
        raise NotImplementedError

    def _pong(self, payload: bytes) -> None:
        """Answer a ping."""
        raise NotImplementedError

    def _answer_close(self, close: CloseFrame) -> None:
        """Answer the peer's close frame, or take it as the answer to ours; then end."""
        raise NotImplementedError

    def _close(self, code: int, reason: str, before: bytes = b"") -> None:
        """Send a close frame and wait for the peer's."""
        raise NotImplementedError

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
