"""The owner of work that must outlive the request that started it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from room.errors import SeatsyncError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Tasks:
    """Detached tasks, each held until it ends.

    An expected error is the business of whoever awaits the task, if anybody still does; any other
    goes to the loop's exception handler, so that none is lost.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start a task that cancellation of the caller does not reach."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work that is carried through even if the waiting is cancelled."""
        return await asyncio.shield(self.spawn(work))

    async def settle(self, within_s: float | None = None) -> None:
        """Wait until nothing is under way; what takes longer than ``within_s`` is given up."""
        try:
            async with asyncio.timeout(within_s):
                while self._running:
                    await asyncio.wait(self._running)
        except TimeoutError:
            log.warning("work was given up", extra={"tasks": len(self._running)})
            for task in tuple(self._running):
                task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, SeatsyncError):
            task.get_loop().call_exception_handler(
                {"message": "a detached task failed", "exception": error, "task": task}
            )
