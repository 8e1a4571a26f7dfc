"""One request and the way to answer it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from gateway.edge.again import Again
from gateway.edge.replies import Reply
from room.errors import SeatsyncError, Unavailable

if TYPE_CHECKING:
    from gateway.edge.door import Door
    from gateway.edge.head import Head

__all__ = ["Exchange", "Reply", "Responder"]

log = logging.getLogger(__name__)

CLOSE: Final = b"Connection: close\r\n"
KEEP_ALIVE: Final = b"Connection: keep-alive\r\n"
UPGRADE_REQUIRED: Final = b"HTTP/1.1 426 "


class Exchange:
    """A request that was read whole, until it is answered or its sender has left.

    Attributes:
        head: of the request.
        body: whole; empty for GET.
        cors: lines to add to the answer for the request's ``Origin``, each with its CRLF.
        on_gone: called if the sender leaves first.
    """

    __slots__ = ("_door", "_gone", "_task", "body", "cors", "head", "on_gone")

    def __init__(self, door: Door, head: Head, body: bytes, cors: bytes) -> None:
        self.head = head
        self.body = body
        self.cors = cors
        self.on_gone: Callable[[], None] | None = None
        self._door: Door | None = door
        self._gone = False
        self._task: asyncio.Task[None] | None = None

    @property
    def gone(self) -> bool:
        """Whether the sender has left; an answer would be dropped."""
        return self._gone

    @property
    def is_open(self) -> bool:
        """Whether an answer is still due."""
        return self._door is not None

    @property
    def peer(self) -> str:
        """Address of the peer; empty once it has left."""
        return "" if self._door is None else self._door.peer

    @property
    def scheme(self) -> str:
        """By which the request came: TLS ends before this server."""
        return "http"

    @property
    def date(self) -> bytes:
        """The ``Date`` line of this second; empty once the exchange is over."""
        return b"" if self._door is None else self._door.house.date()

    def reply(self, reply: Reply, again: Again | None = None) -> None:
        """Answer, which ends the exchange; an answer to nobody is dropped.

        Args:
            reply: the answer.
            again: what may answer the same request until it no longer holds.

        Raises:
            RuntimeError: it was answered before.
        """
        door = self._end()
        if door is None:
            return
        head, request = reply.head, self.head
        stays = request.keep_alive and not request.upgrade and not door.house.leaving
        connection = b""
        if not stays:
            connection = CLOSE
        elif request.version == "1.0":
            connection = KEEP_ALIVE
        if head.startswith(UPGRADE_REQUIRED):
            connection = _with_upgrade(connection)
        is_plain = request.method == "GET" and self.cors is door.house.plain and not connection
        body = b"" if request.method == "HEAD" else reply.body
        data = again.whole if again is not None and is_plain else b""
        if not data:
            data = b"".join((head, door.house.date(), self.cors, connection, b"\r\n", body))
        door.answer(data, stays)
        if again is not None and is_plain:
            again.whole = data
            door.repeat(again)

    def fail(self, error: SeatsyncError) -> None:
        """Answer by a problem."""
        if self._door is not None:
            self.reply(self._door.house.fail(error))

    def take_over(self, protocol: asyncio.Protocol, first: bytes) -> None:
        """Make the connection another protocol's, which ends the exchange.

        Args:
            protocol: gets the transport by ``connection_made``, and what was read already.
            first: a complete head, its empty line included; ``cors`` and ``date`` belong in it.

        Raises:
            RuntimeError: it was answered before.
        """
        door = self._end()
        if door is not None:
            door.hand_over(protocol, first)

    def run(self, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
        """Let a coroutine answer; it is cancelled if the sender leaves.

        Args:
            work: what the responder gave.
            tasks: holds the task until it ends.
        """
        task = asyncio.get_running_loop().create_task(self._carry(work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: work.close())  # it may have been cancelled before it began
        self._task = task

    def leave(self) -> None:
        """The sender has left."""
        self._gone = True
        self._door = None
        task, on_gone = self._task, self.on_gone
        self._task = self.on_gone = None
        if task is not None:
            task.cancel()
        if on_gone is not None:
            on_gone()

    def break_off(self, error: Exception) -> None:
        """A responder has raised: what is meant for the peer is told, anything else is logged."""
        if isinstance(error, SeatsyncError) and self.is_open:
            self.fail(error)
            return
        if self._gone:
            log.debug("a request broke after its sender had left", exc_info=error)
            return
        log.error("a responder failed", exc_info=error, extra={"path": self.head.path[:200]})
        if self.is_open:
            self.fail(Unavailable("something went wrong here"))

    def _end(self) -> Door | None:
        door = self._door
        if door is None and not self._gone:
            raise RuntimeError("an exchange is answered once")
        self._door = self.on_gone = None
        return door

    async def _carry(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - told or logged by break_off
            self.break_off(error)
        finally:
            self._task = None


def _with_upgrade(connection: bytes) -> bytes:
    """Name ``Upgrade``, which goes with that field (RFC 9110 7.8)."""
    option, _, others = connection.partition(b": ")
    return b"Connection: Upgrade, " + others if option else b"Connection: Upgrade\r\n"


Responder = Callable[[Exchange], Coroutine[Any, Any, None] | None]
"""Answers a request: at once, later by what it has kept of the exchange, or as a coroutine that the
door runs and cancels if the sender leaves."""
