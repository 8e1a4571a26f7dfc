"""Commands of many callers over one connection; those that wait go out in one write.

The connection has one owner, which reads as many replies as it sent commands. A caller waits on a
future: giving up leaves the exchange alone, so no reply is ever taken for another's. A pool
with a connection a command costs far more CPU, and a second connection gives nothing, since the
server carries out one command at a time.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from hiredis import pack_command  # redis-py has one of its own, in Python
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from room.errors import InvalidArgument, Unavailable
from store.redis.address import Address, connect
from store.redis.refusals import NO_PRIMARY, refusal_of

Word = str | bytes | int
"""Part of a command."""

ANSWER_WITHIN_S: Final = 1.0
"""From the call to its answer: waiting, connecting and the exchange together."""
LARGEST_BATCH: Final = 128
MOST_WAITING: Final = 16_384
"""Commands not sent yet; one more is refused at once."""
WINDOW: Final = 256
"""Commands of one caller that wait at a time, so that it crowds nobody out."""


class _Call:
    """A command and the future of whoever asked."""

    __slots__ = ("future", "packed")

    def __init__(self, packed: bytes, future: asyncio.Future[Any]) -> None:
        self.packed = packed
        self.future = future

    def settle(self, reply: object) -> None:
        """Answer; whoever gave up hears nothing."""
        if not self.future.done():
            if isinstance(reply, Exception):
                self.future.set_exception(reply)
            else:
                self.future.set_result(reply)


class Link:
    """The way of commands to the server; connects at need, and never sends a command twice."""

    def __init__(self, address: Address) -> None:
        self._waiting: deque[_Call] = deque()
        self._wanted = asyncio.Event()
        self._closed = False
        self._owner = asyncio.create_task(self._serve(address.connection()), name="redis-link")
        self._owner.add_done_callback(_tell_of_a_fault)

    async def call(self, *words: Word) -> Any:
        """Send one command and give its reply.

        If cancelled, the command may be carried out all the same.

        Raises:
            Unavailable: no answer in time, or a refusal; the command may have been carried out.
            Unreadable: a key does not hold what it should.
            InvalidArgument: a text is not UTF-8.
        """
        try:
            return await self.ask(*words)
        except RedisError as error:
            raise refusal_of(error) from error

    async def call_each(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Send commands together and give their replies; fails where one of them does."""
        return await all_of([partial(self.call, *words) for words in commands])

    async def ask(self, *words: Word) -> Any:
        """Send one command; like ``call``, with the server's own refusals."""
        if self._closed:
            raise Unavailable("the store is closed")
        if len(self._waiting) >= MOST_WAITING:
            raise Unavailable("the store is behind")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(_packed(words), future))
        self._wanted.set()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await future
        except TimeoutError as error:
            raise Unavailable("the store does not answer in time") from error

    async def close(self) -> None:
        """Finish what was accepted, then disconnect."""
        self._closed = True
        self._wanted.set()
        await self._owner

    async def _serve(self, connection: AbstractConnection) -> None:
        """Carry batches until closed."""
        try:
            while batch := await self._next_batch():
                await self._carry(connection, batch)
        finally:
            await connection.disconnect(nowait=True)

    async def _next_batch(self) -> list[_Call]:
        """Wait for commands whose callers still wait; none: the link is closed."""
        batch: list[_Call] = []
        while not batch:
            await self._wanted.wait()
            while self._waiting and len(batch) < LARGEST_BATCH:
                call = self._waiting.popleft()
                if not call.future.done():
                    batch.append(call)
            if self._closed:
                return batch
            if not self._waiting:
                self._wanted.clear()
        return batch

    async def _carry(self, connection: AbstractConnection, batch: list[_Call]) -> None:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await _freshen(connection)
                packed = b"".join([call.packed for call in batch])
                await connection.send_packed_command(packed, check_health=False)
                usable = True
                for call in batch:
                    reply = await _reply(connection)
                    call.settle(reply)
                    usable = usable and not isinstance(reply, NO_PRIMARY)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            usable = False
            for call in batch:
                call.settle(refusal_of(error))
        if not usable:
            with suppress(RedisError, OSError):  # it is given up either way
                await connection.disconnect(nowait=True)


async def all_of(calls: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Make many calls, ``WINDOW`` at a time, and give their replies in order.

    Raises:
        Unavailable: one of them failed; others may have been carried out.
    """
    replies: list[Any] = []
    for start in range(0, len(calls), WINDOW):
        window = [call() for call in calls[start : start + WINDOW]]
        for reply in await asyncio.gather(*window, return_exceptions=True):
            if isinstance(reply, BaseException):
                raise reply
            replies.append(reply)
    return replies


def _tell_of_a_fault(owner: asyncio.Task[None]) -> None:
    error = None if owner.cancelled() else owner.exception()
    if error is not None:
        owner.get_loop().call_exception_handler(
            {"message": "the link to the store ended by a fault", "exception": error}
        )


def _packed(words: tuple[Word, ...]) -> bytes:
    try:
        packed: bytes = pack_command(words)  # type: ignore[arg-type]  # its stub knows one word
    except UnicodeEncodeError as error:  # half a surrogate pair
        raise InvalidArgument("a name or a text is not UTF-8") from error
    return packed


async def _freshen(connection: AbstractConnection) -> None:
    """Connect, or connect again where the server closed an idle connection meanwhile."""
    if connection.is_connected and await connection.can_read():
        await connection.disconnect(nowait=True)
    await connect(connection)


async def _reply(connection: AbstractConnection) -> object:
    """Read one reply; a refusal of the command is a reply too."""
    try:
        return await connection.read_response(timeout=math.inf, disconnect_on_error=False)
    except ResponseError as refused:
        return refused
