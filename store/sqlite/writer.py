"""Group commit: one thread, one transaction for all writes that wait, one fsync for the group."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

import msgspec

from room.errors import InvalidArgument, SeatsyncError, Unavailable
from store.port import AlreadyKept

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
"""Reads and writes rows; where it raises, it has written nothing."""

LARGEST_GROUP: Final = 512


class _Waiting:
    """A job and the future of whoever asked for it."""

    def __init__(self, job: Job, future: asyncio.Future[Any]) -> None:
        self.job = job
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None

    def run(self, connection: sqlite3.Connection) -> None:
        try:
            self.result = self.job(connection)
        except (SeatsyncError, AlreadyKept) as refusal:
            self.error = refusal
        except UnicodeEncodeError as error:  # half a surrogate pair
            self._refuse(InvalidArgument("a name or a text is not UTF-8"), error)
        except msgspec.MsgspecError as error:
            self._refuse(Unavailable("what the store holds can't be read"), error)

    def _refuse(self, refusal: SeatsyncError, cause: Exception) -> None:
        refusal.__cause__ = cause
        self.error = refusal

    def settle(self) -> None:
        """Answer on the loop; whoever was cancelled hears nothing."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Owns the writing connection and its thread.

    The queue is bounded by the callers: each awaits its write.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._closed = False
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def submit(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in the next group; returns after the group was synced to disk.

        Raises:
            Unavailable: the file can't be written, or is closed; nothing of the group is kept.
        """
        if self._closed:
            raise Unavailable("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(_Waiting(job, future))
        return await future

    async def close(self) -> None:
        """Finish the groups that were asked for, then end the thread."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _serve(self) -> None:
        running = True
        while running:
            group = [self._queue.get()]
            while len(group) < LARGEST_GROUP:
                try:
                    group.append(self._queue.get_nowait())
                except Empty:
                    break
            waiting = [item for item in group if item is not None]
            running = len(waiting) == len(group)
            if waiting:
                self._commit(waiting)

    def _commit(self, group: list[_Waiting]) -> None:
        try:
            if self._connection.in_transaction:  # a roll-back failed: once more, before all else
                self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")
            for waiting in group:
                waiting.run(self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - told to all who wait: a dead writer tells nobody
            self._fail(group, error)
        for waiting in group:
            with suppress(RuntimeError):  # the caller's loop is closed: nobody waits there
                waiting.future.get_loop().call_soon_threadsafe(waiting.settle)

    def _fail(self, group: list[_Waiting], error: Exception) -> None:
        with suppress(sqlite3.Error):  # where this fails the next group begins with it
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        for waiting in group:
            waiting.error = Unavailable("the store can't write now")
            waiting.error.__cause__ = error
