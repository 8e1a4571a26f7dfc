"""The one port for players: looks at the first line of a request and hands the connection over.

Nothing is read of what a worker shall answer. What no worker has is answered here.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from room.errors import CannotStart
from sei.relay.refusals import PREFLIGHT, alive, problem
from sei.relay.relayed import Handed
from sei.relay.request_line import MAX_LINE_BYTES, METHODS, Asked, BadLine, read_line

log: Final = logging.getLogger(__name__)

BACKLOG: Final = 4096
LINE_S: Final = 10.0
"""Within this time the first line has come, or the connection is closed."""
MAX_HALF_OPEN: Final = 1024
"""Connections whose first line is not there yet; beyond that the oldest is closed."""
_FIRST_LOOK_S: Final = 0.01
_LAST_LOOK_S: Final = 0.64
"""A line that comes in pieces is looked at in growing steps: data that stays unread would wake the
loop for ever."""
_LINGER_S: Final = 1.0
_DRAINED_A_TURN: Final = 65536
_ACCEPTS_A_TURN: Final = 64
_REST_S: Final = 0.5
"""How long no connection is taken after descriptors or memory ran out."""
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


Hand = Callable[[str, socket.socket, str], Handed]
"""Hands a connection to the worker of a stream; told its name, the connection and its peer."""


def bind(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes a free one.

    Raises:
        CannotStart: it is taken, or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise CannotStart(f"cannot listen on {host}:{port}: {why}") from error
    return listener


class Front:
    """Takes connections until it is closed.

    Args:
        listener: non-blocking; owned.
        hand: hands a connection over.
        line_s: how long the first line may take.
        max_half_open: how many may be without it.
    """

    def __init__(
        self,
        listener: socket.socket,
        hand: Hand,
        *,
        line_s: float = LINE_S,
        max_half_open: int = MAX_HALF_OPEN,
    ) -> None:
        self._listener: Final = listener
        self._hand: Final = hand
        self._line_s: Final = line_s
        self._max_half_open: Final = max_half_open
        self._loop: Final = asyncio.get_running_loop()
        self._half_open: Final[dict[Visitor, None]] = {}
        self._answered: Final[dict[Visitor, None]] = {}
        self._rest: asyncio.TimerHandle | None = None
        self._loop.add_reader(listener, self._accept)

    @property
    def port(self) -> int:
        """The real one."""
        port: int = self._listener.getsockname()[1]
        return port

    def close(self) -> None:
        """Take no more, and close those that no worker has."""
        if self._rest is not None:
            self._rest.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for visitor in (*self._half_open, *self._answered):
            visitor.close()

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            try:
                connection, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._take_a_rest(error)
                    return
                continue  # it was gone before it was taken
            self._welcome(connection, str(peer[0]))

    def _take_a_rest(self, error: OSError) -> None:
        log.error("no connection can be taken: %s", error.strerror)
        self._loop.remove_reader(self._listener)
        self._rest = self._loop.call_later(_REST_S, self._go_on)

    def _go_on(self) -> None:
        self._rest = None
        self._loop.add_reader(self._listener, self._accept)

    def _welcome(self, connection: socket.socket, peer: str) -> None:
        if len(self._half_open) >= self._max_half_open:
            next(iter(self._half_open)).close()
        visitor = Visitor(connection, peer, self)
        self._half_open[visitor] = None
        visitor.look()

    def serve(self, visitor: Visitor, asked: Asked) -> bytes | None:
        """Hand a visitor over (None), or say what to answer."""
        if asked.method not in METHODS:
            return problem("METHOD_NOT_ALLOWED", "players GET", asked.method)
        if asked.stream is not None:
            handed = self._hand(asked.stream, visitor.connection, visitor.peer)
            if handed == "taken":
                return None
            if handed == "away" and asked.method != "OPTIONS":
                return problem("UNAVAILABLE", "the stream is being started again", asked.method)
        if asked.method == "OPTIONS":
            return PREFLIGHT
        if asked.path == "/livez":
            return alive(asked.method)
        return problem("NOT_FOUND", "there is no such stream", asked.method)

    def linger(self, visitor: Visitor) -> None:
        """Keep a visitor that was answered until it has read that; as many as may be half open."""
        if len(self._answered) >= self._max_half_open:
            next(iter(self._answered)).close()
        self._answered[visitor] = None

    def forget(self, visitor: Visitor) -> None:
        """It is handed over, answered or closed."""
        self._half_open.pop(visitor, None)
        self._answered.pop(visitor, None)

    @property
    def line_s(self) -> float:
        """How long the first line may take."""
        return self._line_s


class Visitor:
    """A connection whose first line is awaited.

    Args:
        connection: just accepted.
        peer: its address.
        front: decides about it.
    """

    def __init__(self, connection: socket.socket, peer: str, front: Front) -> None:
        connection.setblocking(False)
        self.connection: Final = connection
        self.peer: Final = peer
        self._front: Final = front
        self._loop: Final = asyncio.get_running_loop()
        self._again: asyncio.TimerHandle | None = None
        self._wait_s = _FIRST_LOOK_S
        self._listens = False
        self._deadline: asyncio.TimerHandle = self._loop.call_later(front.line_s, self.close)

    def look(self) -> None:
        """See whether the line is there, without taking it."""
        self._rest()
        try:
            peeked = self.connection.recv(MAX_LINE_BYTES, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            self._listens = True
            self._loop.add_reader(self.connection, self.look)
            return
        except OSError:
            peeked = b""
        if not peeked:
            self.close()
            return
        self._understand(peeked)

    def close(self) -> None:
        """Let it go without a word."""
        self._leave()
        self.connection.close()

    def _understand(self, peeked: bytes) -> None:
        try:
            asked = read_line(peeked)
        except BadLine:
            self._answer(problem("INVALID_ARGUMENT", "this is no HTTP/1 request"))
            return
        if asked is None:
            self._again = self._loop.call_later(self._wait_s, self.look)
            self._wait_s = min(2 * self._wait_s, _LAST_LOOK_S)
            return
        self._leave()
        answer = self._front.serve(self, asked)
        if answer is not None:
            self._answer(answer)

    def _answer(self, answer: bytes) -> None:
        """Answer, and read what the peer still sends: a close with unread data would reset it."""
        self._leave()
        with suppress(OSError):
            self.connection.send(answer)  # fits into an empty buffer of the kernel
            self.connection.shutdown(socket.SHUT_WR)
        self._deadline = self._loop.call_later(_LINGER_S, self.close)
        self._front.linger(self)
        self._listens = True
        self._loop.add_reader(self.connection, self._drain)

    def _drain(self) -> None:
        """Read once: who sends without end must not have the loop for itself."""
        try:
            if self.connection.recv(_DRAINED_A_TURN):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass  # reset: gone as well
        self.close()

    def _leave(self) -> None:
        self._rest()
        self._deadline.cancel()
        self._front.forget(self)

    def _rest(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._listens:
            self._listens = False
            self._loop.remove_reader(self.connection)
