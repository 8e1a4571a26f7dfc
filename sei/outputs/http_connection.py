"""One connection of a player: one request after another, until one is for a live stream."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Final, Protocol, cast

from room.errors import SeatsyncError
from sei.outputs import http_answer
from sei.outputs.fanout import LiveStream
from sei.outputs.http_answer import Answer
from sei.outputs.http_request import (
    END,
    MAX_HEAD_BYTES,
    HeadTooLarge,
    Request,
    read_request,
)
from sei.outputs.http_routes import FindOutlet, Live, StreamAway, UnknownStream, find
from sei.outputs.player import PIECE_BYTES, Player

REQUESTS_A_TURN: Final = 8
TURN_S: Final = 0.02
"""So many requests of one connection are answered in so long, though it sent them all at once."""
MAX_IGNORED_BYTES: Final = 64 * 1024
"""What a player may send while it plays; it has nothing to say."""
_TCP_OPTIONS: Final = {
    getattr(socket, name): value
    for name, value in {
        "TCP_NODELAY": 1,
        "TCP_NOTSENT_LOWAT": PIECE_BYTES,
        "TCP_KEEPIDLE": 30,
        "TCP_KEEPINTVL": 10,
        "TCP_KEEPCNT": 3,
    }.items()
    if hasattr(socket, name)  # not on every system
}
"""In seconds. One who waits for a stream that has not begun is sent nothing that could fail."""


class House(Protocol):
    """Whose connections these are."""

    @property
    def find_outlet(self) -> FindOutlet:
        """Gives what there is to play."""
        ...

    def opened(self, connection: PlayerConnection) -> None:
        """Hear of a new connection."""
        ...

    def lost(self, connection: PlayerConnection) -> None:
        """Hear that a connection is gone."""
        ...

    def time(self) -> float:
        """Give the time in seconds."""
        ...


class PlayerConnection(asyncio.Protocol):
    """A connection.

    Args:
        house: which streams there are.
        is_handed_in: its first request was looked at by another process, which chose us; a later
            one for a stream that is not here belongs to some other worker.
    """

    def __init__(self, house: House, *, is_handed_in: bool) -> None:
        self._house: Final = house
        self._is_handed_in: Final = is_handed_in
        self._transport: asyncio.Transport | None = None
        self._received: Final = bytearray()
        self._requests = 0
        self._is_paused = False
        self._takes_turns = False
        self._ignored_bytes = 0
        self._is_over = False
        self._stream: LiveStream | None = None
        self._player: Player | None = None
        self._answered_bytes = 0
        self._moved_bytes = 0
        self._moved_at_s = house.time()
        self._free_since_s = house.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # No isinstance: the transports of uvloop are of no class of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=PIECE_BYTES)
        _tune(self._transport)
        self._house.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self._is_over = True
        self._house.lost(self)
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Read requests; a player that plays has nothing to say."""
        if self._player is not None:
            self._ignored_bytes += len(data)
            if self._ignored_bytes > MAX_IGNORED_BYTES:
                self.abort()
        elif not self._is_over:
            self._received.extend(data)
            if not self._takes_turns:
                self._answer_all()

    def pause_writing(self) -> None:
        """Hold back: the network takes no more."""
        self._is_paused = True
        if self._player is not None:
            self._player.pause()
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on, a moment later: asyncio fails where a transport is closed from within this."""
        asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        self._is_paused = False
        if self._transport is None or self._transport.is_closing():
            return
        if self._player is not None:
            self._player.resume()
            return
        self._transport.resume_reading()
        self._free_since_s = self._house.time()
        self._answer_all()

    def check(self, now_s: float, *, stall_s: float, idle_s: float) -> None:
        """End the connection where nothing goes on: no byte is taken, or no request comes."""
        if self._transport is None:
            return
        held = self._transport.get_write_buffer_size()
        written = self._answered_bytes + (self._player.written_bytes if self._player else 0)
        if not held or written - held != self._moved_bytes:
            self._moved_bytes, self._moved_at_s = written - held, now_s
        is_free = self._player is None and not held
        is_idle = is_free and now_s - self._free_since_s > idle_s
        if is_idle or now_s - self._moved_at_s > stall_s:
            self.abort()

    def close(self) -> None:
        """End it once what was written is out."""
        self._is_over = True
        self._leave()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _leave(self) -> None:
        if self._stream is not None and self._player is not None:
            self._stream.leave(self._player)

    def _answer_all(self) -> None:
        """Answer the requests that are whole, as long as the answers are taken."""
        before = self._requests
        while self._player is None and not (self._is_paused or self._is_over):
            if self._requests - before >= REQUESTS_A_TURN:
                self._let_others_go_first()
                return
            end = self._received.find(END)
            size = len(self._received) if end < 0 else end + len(END)
            if size > MAX_HEAD_BYTES:
                self._refuse(HeadTooLarge("the head of the request is too long"))
            elif end < 0:
                return
            else:
                head = bytes(self._received[:size])
                del self._received[:size]
                self._answer(head)

    def _let_others_go_first(self) -> None:
        """Answer what else is there in the next turn, and read no more before."""
        if self._transport is None:
            return
        self._takes_turns = True
        self._transport.pause_reading()
        asyncio.get_running_loop().call_later(TURN_S, self._next_turn)

    def _next_turn(self) -> None:
        self._takes_turns = False
        if self._transport is None or self._transport.is_closing():
            return
        if not self._is_paused:
            self._transport.resume_reading()
        self._answer_all()

    def _answer(self, head: bytes) -> None:
        self._requests += 1
        try:
            request = read_request(head)
        except SeatsyncError as error:
            self._refuse(error)
            return
        try:
            self._give(request)
        except UnknownStream as error:
            if not self._is_handed_in:
                self._say_no(error, request)
            elif self._requests > 1:
                self._send(http_answer.elsewhere(request.target), request, keep_alive=False)
            else:
                self._say_no(StreamAway("the stream is starting", retry_after_ms=1000), request)
        except SeatsyncError as error:
            self._say_no(error, request)

    def _give(self, request: Request) -> None:
        if request.method == "OPTIONS":
            answer = http_answer.preflight(keep_alive=request.keep_alive)
            self._send(answer, request, keep_alive=request.keep_alive)
            return
        found = find(request.path, self._house.find_outlet)
        if isinstance(found, Live):
            self._play(found, request)
            return
        answer = http_answer.content(
            found.content,
            found.content_type,
            found.cache,
            wanted=request.range if request.method == "GET" else b"",
            keep_alive=request.keep_alive,
        )
        self._send(answer, request, keep_alive=request.keep_alive)

    def _play(self, live: Live, request: Request) -> None:
        self._send(Answer(http_answer.live_head(live.content_type)), request, keep_alive=True)
        if request.method == "HEAD" or self._transport is None:
            self.close()
            return
        self._received.clear()
        self._stream = live.stream
        self._player = live.stream.join(self._transport, live.form)
        if self._is_paused:
            self._player.pause()

    def _say_no(self, error: SeatsyncError, request: Request) -> None:
        answer = http_answer.problem(error, keep_alive=request.keep_alive)
        self._send(answer, request, keep_alive=request.keep_alive)

    def _refuse(self, error: SeatsyncError) -> None:
        """Answer what is no request, after which nothing can be made out any more."""
        self._write(http_answer.problem(error, keep_alive=False))
        self.close()

    def _send(self, answer: Answer, request: Request, *, keep_alive: bool) -> None:
        self._write(Answer(answer.head) if request.method == "HEAD" else answer)
        self._free_since_s = self._house.time()
        if not keep_alive:
            self.close()

    def _write(self, answer: Answer) -> None:
        if self._transport is None:
            return
        self._answered_bytes += len(answer.head) + len(answer.body)
        self._transport.write(answer.head)
        if answer.body:
            self._transport.write(answer.body)


def _tune(transport: asyncio.Transport) -> None:
    """Keep what waits in the kernel small, since it cannot be skipped; notice who is gone."""
    peer: socket.socket | None = transport.get_extra_info("socket")
    if peer is None or peer.family not in (socket.AF_INET, socket.AF_INET6):
        return
    with suppress(OSError):  # one that is gone already; its loss is told next
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _TCP_OPTIONS.items():
            peer.setsockopt(socket.IPPROTO_TCP, option, value)
