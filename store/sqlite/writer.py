"""Group commit: what waits is written in one transaction and synced once; then the next group.

The loop decides, a thread waits for the disk. Up to two groups are handed to the thread, so that it
goes from one to the next without waiting for its turn on the loop. Where one fails, what was handed
over behind it is not written either: that may be based on it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from room.errors import Unavailable
from store.sqlite import batch
from store.sqlite.batch import LARGEST_STATEMENT_ROWS, Row

LARGEST_GROUP_ROWS: Final = LARGEST_STATEMENT_ROWS - 1
"""One statement; the one row more drops old acks."""
FORGET_EVERY_ROWS: Final = 1024
MAX_HANDED_OVER: Final = 2
BUSY_WITHIN_S: Final = 0.01
"""Callers that come back within this are busy, not merely there again."""


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
        self._handed_over: deque[list[_Waiting]] = deque()
        self._is_due = False
        self._has_failed = False
        """Set by the thread; taken back by the loop once nothing is handed over."""
        self._waited_s = 0.0
        """For the disk, in the last group."""
        self._settled_at_s = 0.0
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
        if not self._is_due:
            self._is_due = True
            loop.call_soon(self._start)  # after all that are about to write in this turn
        return future

    async def next_settled(self) -> None:
        """Wait until a group is written or has failed; at once where none is under way."""
        if self._handed_over or self._queue:
            future = asyncio.get_running_loop().create_future()
            self._watching.append(future)
            await future

    async def close(self) -> None:
        """Finish what was submitted, then let go of the connection."""
        while self._handed_over or self._queue:
            await self.next_settled()
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._connection.close)  # moves the log into the file

    def _start(self) -> None:
        self._is_due = False
        if self._has_failed:
            return
        most = len(self._queue)
        if not self._handed_over and self._is_worth_halving():
            most = -(-most // 2)
        while self._queue and len(self._handed_over) < MAX_HANDED_OVER:
            writing = asyncio.get_running_loop().run_in_executor(
                self._threads, self._write, self._take(most)
            )
            writing.add_done_callback(self._settle)

    def _is_worth_halving(self) -> bool:
        """Tell whether callers take longer than a sync: then they and the disk work in turns."""
        return self._waited_s < time.perf_counter() - self._settled_at_s < BUSY_WITHIN_S

    def _take(self, most: int) -> list[Row]:
        """Move the head of the queue into a group: one write at least."""
        rows: list[Row] = []
        count = 0
        for waiting in self._queue[:most]:
            if count and len(rows) + len(waiting.rows) > LARGEST_GROUP_ROWS:
                break
            rows.extend(waiting.rows)
            count += 1
        self._rows_until_forget -= len(rows)
        if self._rows_until_forget < 0:
            self._rows_until_forget = FORGET_EVERY_ROWS
            rows.append(self._forget_row())
        self._handed_over.append(self._queue[:count])
        del self._queue[:count]
        return rows

    def _write(self, rows: Sequence[Row]) -> float:
        """Write a group, in the thread; gives the seconds without work, which the disk took."""
        if self._has_failed:
            raise Unavailable("a write before this one failed")
        idle_s = time.perf_counter() - time.thread_time()
        is_written = False
        try:
            batch.write(self._connection, rows)
            is_written = True
        finally:
            self._has_failed = not is_written
        return time.perf_counter() - time.thread_time() - idle_s

    def _settle(self, writing: asyncio.Future[float]) -> None:
        group = self._handed_over.popleft()
        error = writing.exception()
        if error is None:
            self._waited_s = writing.result()
            self._settled_at_s = time.perf_counter()
            self._start()  # the disk works while this group's callers are told
            for waiting in group:
                waiting.on_durable()
                if not waiting.future.done():
                    waiting.future.set_result(None)
        elif group:
            self._fail(group, error)
        if error is not None and not self._handed_over:
            self._has_failed = False
            self._start()
        watching, self._watching = self._watching, []
        for future in watching:
            if not future.done():
                future.set_result(None)

    def _fail(self, group: list[_Waiting], error: BaseException) -> None:
        """Refuse a group, and all that waits behind it; the thread leaves that alone."""
        behind = [waiting for later in self._handed_over for waiting in later] + self._queue
        for later in self._handed_over:
            later.clear()
        self._queue.clear()
        self._on_failure()
        for waiting in group + behind:
            if not waiting.future.done():
                refusal = Unavailable("the store can't write now")
                refusal.__cause__ = error
                waiting.future.set_exception(refusal)
