"""A transport without a socket, and what push connections share, for the tests of the drivers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, cast

from push_samples import Node, settle
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol

from gateway.config import Bounds
from gateway.limits import Limits
from gateway.loop.wheel import Wheel
from gateway.push.channel import Channel
from gateway.push.connection import Connection
from gateway.push.ws import WebSocket
from gateway.tokens.bearer import ANONYMOUS, Bearer
from tests.unit.gateway_push.frame_peer import open_client

STEP_S = 0.25
TICK_S = 12.5
PING_S = 2 * TICK_S
MAX_CONNECTIONS = 2
NO_PROGRESS_S = 10.0


class Wire:
    """A transport: notes what is written; a test says how much of it the peer takes."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_stuck = False
        self.waiting_bytes = 0
        self.high: int | None = None
        self.closed = self.aborted = False
        self.paused = False
        self.protocol: Connection | None = None

    def write(self, piece: bytes) -> None:
        if self.closed or self.aborted:
            return
        self.written.append(piece)
        if self.is_stuck:
            self.waiting_bytes += len(piece)
            if self.protocol is not None and self.waiting_bytes == len(piece):
                self.protocol.pause_writing()

    def stick(self) -> None:
        """Take nothing from now on."""
        self.is_stuck = True

    def take(self, count: int | None = None) -> None:
        """Let the peer take so many bytes, or all of them from now on."""
        if count is not None and count < self.waiting_bytes:
            self.waiting_bytes -= count
            return
        self.is_stuck, self.waiting_bytes = False, 0
        if self.protocol is not None:
            self.protocol.resume_writing()

    def get_write_buffer_size(self) -> int:
        return self.waiting_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def is_reading(self) -> bool:
        return not self.paused

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Desk:
    """A node, a wheel that the test turns, and one channel."""

    def __init__(self, node: Node, name: str = "ws", tick_s: float = TICK_S) -> None:
        self.node = node
        self.wheel = Wheel(STEP_S)
        self.limits = Limits(Bounds(user_connections=MAX_CONNECTIONS), node.clock_ms.monotonic_s)
        self.channel = Channel(
            name,
            self.wheel,
            node.connections,
            self.limits,
            self.spawn,
            node.clock_ms,
            node.clock_ms.monotonic_s,
            tick_s=tick_s,
            no_progress_s=NO_PROGRESS_S,
        )
        self.failed: list[BaseException] = []
        self._now_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Own a task as the node does, and note how it failed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failed.append(error)

    def pass_time(self, seconds: float) -> None:
        """Let time pass: for the wall clock, and for the wheel."""
        for _ in range(round(seconds / STEP_S)):
            self._now_s += STEP_S
            self.node.clock_ms.now_ms += round(STEP_S * 1000)
            for _ in self.wheel.advance(self._now_s):
                pass

    def entries(self) -> int:
        """Count what is set on the wheel."""
        return sum(map(len, self.wheel._buckets))

    def is_left_clean(self) -> bool:
        """Tell whether nothing is kept of anybody."""
        node = self.node
        left = (len(node.hub), tuple(node.audience.rooms()), len(node.connections))
        return (
            left == (0, (), 0)
            and not self.entries()
            and not self.limits._connections
            and self.channel.tally.open == 0
        )


class Peer:
    """The other side of one WebSocket connection: a strict client of another implementation."""

    def __init__(
        self,
        desk: Desk,
        bearer: Bearer = ANONYMOUS,
        kind: type[WebSocket] = WebSocket,
        home: str | None = "demo",
    ) -> None:
        self.desk = desk
        self.connection = kind(desk.channel, bearer)
        self.wire = Wire()
        self.client: Protocol = open_client(deflate=kind is not WebSocket)
        self._read = 0
        self._is_closed = False
        self._home = home

    def converse(self, *docs: str) -> Peer:
        """Begin a conversation and take the place, as the door does before the 101."""
        node, connection = self.desk.node, self.connection
        conversation = node.conversation(connection.bearer, connection.mailbox, self._home)
        connection.enter(conversation)
        assert conversation.open(docs or ("state",), {}, 25_000) is None
        return self

    def join(self) -> Peer:
        """Take the transport over, the opening first."""
        opening = self.connection.opening()
        if opening:
            self.wire.written.append(opening)
        self.wire.protocol = self.connection
        self.connection.connection_made(cast("asyncio.Transport", self.wire))
        return self

    def send(self, *frames: bytes) -> None:
        """Send bytes in one piece."""
        self.connection.data_received(b"".join(frames))

    def say(self, *texts: bytes) -> None:
        """Send text messages in one piece."""
        for text in texts:
            self.client.send_text(text)
        self.send(*self.client.data_to_send())

    def frames(self) -> list[Frame]:
        """Give the frames that were written since it was last asked, as the client reads them.

        It is blind for what comes after a close frame, so that is looked for here.
        """
        pieces, self._read = self.wire.written[self._read :], len(self.wire.written)
        frames = []
        for piece in pieces:
            assert not self._is_closed, "nothing follows a close frame"
            self.client.receive_data(piece)
            self.client.data_to_send()  # its own answers: a test says what it answers
            read = self.client.events_received()
            frames += [event for event in read if isinstance(event, Frame)]
            self._is_closed = any(frame.opcode is Opcode.CLOSE for frame in frames)
        return frames

    def texts(self) -> list[bytes]:
        """Give the text messages that were written since it was last asked."""
        return [bytes(frame.data) for frame in self.frames() if frame.opcode is Opcode.TEXT]

    def closes(self) -> list[tuple[int, str]]:
        """Give the close frames that were written since it was last asked."""
        return list(self._closes())

    def _closes(self) -> Iterator[tuple[int, str]]:
        for frame in self.frames():
            if frame.opcode is Opcode.CLOSE:
                yield int.from_bytes(frame.data[:2]), bytes(frame.data[2:]).decode()

    def lose(self) -> None:
        """The socket is gone, as the loop tells it."""
        self.wire.protocol = None
        self.connection.connection_lost(None)


async def settled(desk: Desk) -> None:
    """Let every answer be given."""
    await settle()
    while desk._tasks:
        await asyncio.wait(desk._tasks)
