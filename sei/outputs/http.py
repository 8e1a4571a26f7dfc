"""Serves the streams of a worker to players, over connections that it is handed or accepts."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from room.errors import InvalidArgument
from sei.outputs.http_connection import PlayerConnection
from sei.outputs.http_routes import FindOutlet

_log: Final = logging.getLogger(__name__)
STALL_S: Final = 10.0
"""A player that takes no byte for this long is aborted."""
IDLE_S: Final = 15.0
"""A connection without a whole request for so long is closed."""
SWEEP_S: Final = 1.0
CLOSE_S: Final = 1.0
"""How long players may take for what was written when the server closes."""
BACKLOG: Final = 4096


class PlayerServer:
    """Answers players; a player has no task, and one timer looks after all connections.

    Args:
        find_outlet: gives the ``Outlet`` of a stream by its name; asked for each request.
        stall_s: how long a player may take no byte.
        idle_s: how long a connection may be without a whole request.
    """

    def __init__(
        self, find_outlet: FindOutlet, *, stall_s: float = STALL_S, idle_s: float = IDLE_S
    ) -> None:
        self.find_outlet: Final = find_outlet
        self._stall_s: Final = stall_s
        self._idle_s: Final = idle_s
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

        The socket is ours from here on. One that is gone already is no error.
        """
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

    def _sweep_s(self) -> float:
        return min(SWEEP_S, self._stall_s / 4, self._idle_s / 4)

    def _sweep(self) -> None:
        now_s = self.time()
        for connection in tuple(self._connections):
            connection.check(now_s, stall_s=self._stall_s, idle_s=self._idle_s)
        self._timer = None
        if self._connections:
            self._timer = self._loop.call_later(self._sweep_s(), self._sweep)
