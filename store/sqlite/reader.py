"""Reads that memory can't answer: a thread of their own, each asked once however many wait."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from room.errors import Unavailable, Unreadable

T = TypeVar("T")


class Reader:
    """Owns the reading connection and its thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._under_way: dict[Hashable, asyncio.Future[Any]] = {}

    async def read_once(
        self,
        name: Hashable,
        query: Callable[[sqlite3.Connection], T],
        on_found: Callable[[T], None],
    ) -> T:
        """Run a query unless one of this name is under way; returns after ``on_found`` has run.

        Raises:
            Unavailable: the file can't be read.
        """
        shared = self._under_way.get(name)
        if shared is None:
            shared = self._under_way[name] = self._start(name, query, on_found)
        return await asyncio.shield(shared)  # a caller that goes away takes it from nobody else

    def _start(
        self,
        name: Hashable,
        query: Callable[[sqlite3.Connection], T],
        on_found: Callable[[T], None],
    ) -> asyncio.Future[T]:
        """Begin a query; what is given ends when what was found is in its place, never before."""
        loop = asyncio.get_running_loop()
        shared: asyncio.Future[T] = loop.create_future()

        def finish(done: asyncio.Future[T]) -> None:
            del self._under_way[name]
            try:
                found = done.result()
                on_found(found)
            except Exception as error:  # noqa: BLE001 - it is whoever asked who is told
                shared.set_exception(error)
                shared.exception()  # those who asked may all have left
            else:
                shared.set_result(found)

        loop.run_in_executor(self._threads, self._run, query).add_done_callback(finish)
        return shared

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query.

        Raises:
            Unavailable: the file can't be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    async def close(self) -> None:
        """Finish what is under way, then let go of the connection."""
        await asyncio.to_thread(self._threads.shutdown)
        self.connection.close()

    def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return query(self.connection)
        except msgspec.MsgspecError as error:
            raise Unreadable("what the store holds can't be read") from error
        except sqlite3.Error as error:
            raise Unavailable("the store can't be read now") from error
