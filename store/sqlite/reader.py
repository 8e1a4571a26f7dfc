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
        reading = self._under_way.get(name)
        if reading is None:
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(self._threads, self._run, query)
            self._under_way[name] = reading

            def finish(done: asyncio.Future[T]) -> None:
                del self._under_way[name]
                if done.exception() is None:
                    on_found(done.result())

            reading.add_done_callback(finish)
        return await asyncio.shield(reading)  # a caller that goes away takes it from nobody else

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
