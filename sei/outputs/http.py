"""Serves the streams of a worker to players, over connections that it is handed or accepts."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from room.errors import InvalidArgument
from sei.outputs import http_answer
from sei.outputs.http_connection import PlayerConnection
from sei.outputs.http_routes import FindOutlet, StreamAway

_log: Final = logging.getLogger(__name__)
STALL_S: Final = 10.0
"""A player that takes no byte for this long is aborted."""
IDLE_S: Final = 15.0
"""A connection without a whole request for so long is closed."""
SWEEP_S: Final = 1.0
CLOSE_S: Final = 1.0
"""How long players may take for what was written when the server closes."""
BACKLOG: Final = 4096
MAX_CONNECTIONS: Final = 16_384
"""Handed in and not yet gone; more than one process can feed. Where fewer descriptors are allowed,
three quarters of those: inputs and files need some when every player comes at once."""
_FULL_RETRY_MS: Final = 5000


class PlayerServer:
    """Answers players; a player has no task, and one timer looks after all connections.

    Args:
        find_outlet: gives the ``Outlet`` of a stream by its name; asked for each request.
        stall_s: how long a player may take no byte.
        idle_s: how long a connection may be without a whole request.
        max_connections: how many may be handed in; None takes what the process can bear.
    """

    def __init__(
        self,
        find_outlet: FindOutlet,
        *,
        stall_s: float = STALL_S,
        idle_s: float = IDLE_S,
        max_connections: int | None = None,
    ) -> None:
        self.find_outlet: Final = find_outlet
        self._stall_s: Final = stall_s
        self._idle_s: Final = idle_s
        self._max_connections: Final = max_connections or _bearable()
        self._is_full = False
        self._connections: Final[set[PlayerConnection]] = set()
        self._beginning: Final[set[asyncio.Task[None]]] = set()
        self._empty: Final = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: Final = asyncio.get_running_loop()

    def time(self) -> float:
        """Give the time of the event loop in seconds."""
        return self._loop.time()

    def adopt(self, connection: socket.socket) -> None:
        """Serve a connection of which nothing was read, and which another process accepted.

        The socket is ours from here on. One that is gone already is no error; one too many is told
        to come again.
        """
        if len(self._connections) + len(self._beginning) >= self._max_connections:
            self._turn_away(connection)
            return
        self._is_full = False
        beginning = self._loop.create_task(self._begin(connection), name="player begins")
        self._beginning.add(beginning)
        beginning.add_done_callback(self._beginning.discard)

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Accept connections while the block runs; give the port.

        Raises:
            InvalidArgument: the address cannot be listened on.
        """
        try:
            server = await self._loop.create_server(
                lambda: PlayerConnection(self, is_handed_in=False), host, port, backlog=BACKLOG
            )
        except OSError as error:
            raise InvalidArgument(f"cannot listen on {host}:{port}: {error.strerror}") from error
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def close(self) -> None:
        """End every connection: once it has what was written, or after a second."""
        for connection in tuple(self._connections):
            connection.close()
        if self._beginning:
            await asyncio.wait(tuple(self._beginning))
        if self._connections:
            self._empty.clear()
            try:
                async with asyncio.timeout(CLOSE_S):
                    await self._empty.wait()
            except TimeoutError:
                _log.info("connections were cut off: %d", len(self._connections))
        if self._timer is not None:
            self._timer.cancel()
        for connection in tuple(self._connections):
            connection.abort()

    def opened(self, connection: PlayerConnection) -> None:
        """Look after a connection from now on."""
        self._connections.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(self._sweep_s(), self._sweep)

    def lost(self, connection: PlayerConnection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    async def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(
                lambda: PlayerConnection(self, is_handed_in=True), connection
            )
        except OSError as error:
            _log.debug("a connection was gone before it was served: %s", error)
            connection.close()

    def _turn_away(self, connection: socket.socket) -> None:
        if not self._is_full:  # said when it began
            self._is_full = True
            _log.warning("no more players are taken than %d", self._max_connections)
        away = StreamAway("there are too many players", retry_after_ms=_FULL_RETRY_MS)
        answer = http_answer.problem(away, keep_alive=False)
        with suppress(OSError):
            connection.send(answer.head + answer.body)
        connection.close()

    def _sweep_s(self) -> float:
        return min(SWEEP_S, self._stall_s / 4, self._idle_s / 4)

    def _sweep(self) -> None:
        now_s = self.time()
        for connection in tuple(self._connections):
            connection.check(now_s, stall_s=self._stall_s, idle_s=self._idle_s)
        self._timer = None
        if self._connections:
            self._timer = self._loop.call_later(self._sweep_s(), self._sweep)


def _bearable() -> int:
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return min(MAX_CONNECTIONS, allowed * 3 // 4)
