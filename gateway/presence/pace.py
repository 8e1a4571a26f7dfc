"""How loops go on: one failed step, or one failed room, stops neither the loop nor the others."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from gateway.loop.tasks import Tasks
from gateway.presence.ports import Sleep
from room.errors import SeatsyncError

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]


async def forever(
    tasks: Tasks, step: Callable[[], Work], pause_s: Callable[[], float], sleep: Sleep
) -> None:
    """Pause and take a step, until cancelled; see ``attempt`` for steps that fail."""
    while True:
        await sleep(pause_s())
        await attempt(tasks, step())


async def attempt(tasks: Tasks, work: Work) -> None:
    """Carry out one piece of work that may fail without failing the caller.

    An expected error is logged; any other goes to the loop's exception handler. Cancellation
    reaches the work, which its owner sees to the end.
    """
    refused = await apart(tasks, (work,), at_once=1)
    for error in refused:
        log.warning("a step of presence failed", extra={"code": error.code, "cause": repr(error)})


async def apart(tasks: Tasks, works: Iterable[Work], at_once: int) -> list[SeatsyncError]:
    """Carry out pieces of work, some at a time, each with its own end.

    Args:
        tasks: owns them, and reports unexpected errors to the loop's exception handler.
        works: made one by one as there is room for them.
        at_once: how many may be under way together.

    Returns:
        the expected errors.
    """
    refused: list[SeatsyncError] = []
    pending: set[asyncio.Task[None]] = set()

    async def collect(when: str) -> None:
        nonlocal pending
        done, pending = await asyncio.wait(pending, return_when=when)
        errors = (task.exception() for task in done if not task.cancelled())
        refused.extend(error for error in errors if isinstance(error, SeatsyncError))

    try:
        for work in works:
            pending.add(tasks.spawn(work))
            if len(pending) >= at_once:
                await collect(asyncio.FIRST_COMPLETED)
        if pending:
            await collect(asyncio.ALL_COMPLETED)
    finally:
        for task in pending:
            task.cancel()
    return refused


def log_refused(what: str, refused: Iterable[SeatsyncError]) -> None:
    """Log the expected errors of one step in one line, by code."""
    by_code = Counter(error.code for error in refused)
    if by_code:
        log.warning(what, extra={"codes": dict(by_code)})
