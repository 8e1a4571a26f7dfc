"""Group commit: what waits is written in one transaction and synced once; then the next group.

The loop decides, a thread waits for the disk. What comes while a group is under way is the next.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from room.errors import Unavailable
from store.sqlite import batch
from store.sqlite.batch import LARGEST_STATEMENT_ROWS, Row

LARGEST_GROUP_ROWS: Final = LARGEST_STATEMENT_ROWS - 1
"""One statement; the one row more drops old acks."""
FORGET_EVERY_ROWS: Final = 1024


class _Waiting:
    """Rows, and whom to tell."""

    __slots__ = ("future", "on_durable", "rows")

    def __init__(
        self, rows: Sequence[Row], on_durable: Callable[[], None], future: asyncio.Future[None]
    ) -> None:
        self.rows = rows
        self.on_durable = on_durable
        self.future = future


class Writer:
    """Owns the writing connection and its thread; of one event loop.

    The queue is bounded by the callers: each awaits its write.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        forget_row: Callable[[], Row],
        on_failure: Callable[[], None],
    ) -> None:
        batch.install(connection)
        self._connection = connection
        self._forget_row = forget_row
        self._rows_until_forget = 0
        self._on_failure = on_failure
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._queue: list[_Waiting] = []
        self._group: list[_Waiting] = []
        self._is_due = False
        self._watching: list[asyncio.Future[None]] = []

    def submit(self, rows: Sequence[Row], on_durable: Callable[[], None]) -> asyncio.Future[None]:
        """Write rows in the next group.

        Args:
            rows: all of them are written, or none.
            on_durable: called on the loop once they are on disk, in the order of submission,
                before anybody is told; not called where the group fails.

        Returns:
            done once the rows are on disk; ``Unavailable`` where they are not. A caller that goes
            away stops nothing.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._queue.append(_Waiting(rows, on_durable, future))
        if not self._group and not self._is_due:
            self._is_due = True
            loop.call_soon(self._start)  # after all that are about to write in this turn
        return future

    async def next_settled(self) -> None:
        """Wait until a group is written or has failed; at once where none is under way."""
        if self._group or self._queue:
            future = asyncio.get_running_loop().create_future()
            self._watching.append(future)
            await future

    async def close(self) -> None:
        """Finish what was submitted, then let go of the connection."""
        while self._group or self._queue:
            await self.next_settled()
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._connection.close)  # moves the log into the file

    def _start(self) -> None:
        self._is_due = False
        if self._group or not self._queue:
            return
        writing = asyncio.get_running_loop().run_in_executor(
            self._threads, batch.write, self._connection, self._take()
        )
        writing.add_done_callback(self._settle)

    def _take(self) -> list[Row]:
        """Move the head of the queue into the group: one write at least."""
        rows: list[Row] = []
        count = 0
        for waiting in self._queue:
            if count and len(rows) + len(waiting.rows) > LARGEST_GROUP_ROWS:
                break
            rows.extend(waiting.rows)
            count += 1
        self._rows_until_forget -= len(rows)
        if self._rows_until_forget < 0:
            self._rows_until_forget = FORGET_EVERY_ROWS
            rows.append(self._forget_row())
        self._group, self._queue = self._queue[:count], self._queue[count:]
        return rows

    def _settle(self, writing: asyncio.Future[None]) -> None:
        group, self._group = self._group, []
        error = writing.exception()
        if error is None:
            self._start()  # the disk works while this group's callers are told
            for waiting in group:
                waiting.on_durable()
                if not waiting.future.done():
                    waiting.future.set_result(None)
        else:
            self._fail(group, error)
        watching, self._watching = self._watching, []
        for future in watching:
            if not future.done():
                future.set_result(None)

    def _fail(self, group: list[_Waiting], error: BaseException) -> None:
        """Refuse the group, and what waits behind it: that may be based on what was not written."""
        behind, self._queue = self._queue, []
        self._on_failure()
        for waiting in group + behind:
            if not waiting.future.done():
                refusal = Unavailable("the store can't write now")
                refusal.__cause__ = error
                waiting.future.set_exception(refusal)
