"""One stream inside a worker, kept going through its faults."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

from room.errors import SeatsyncError
from sei.config import StreamConfig
from sei.counts import Counts
from sei.insertion.supply import SupplyBox
from sei.relay.relayed import MakeStream, Relayed, WorkerSpoilt
from sei.relay.restarts import Restarts
from sei.relay.words import Ended

log: Final = logging.getLogger(__name__)

STOP_S: Final = 8.0
"""So long a stream may take to close its files before it is cancelled."""


class Keeping:
    """Runs a stream, and after a fault of ours again, as a new object with the same counts.

    Args:
        config: what to run.
        make: makes the stream.
        box: holds what is to be injected.
        draw: gives random numbers in 0..1.
        stop_s: how long the stream may take to stop.
    """

    def __init__(
        self,
        config: StreamConfig,
        make: MakeStream,
        box: SupplyBox,
        *,
        draw: Callable[[], float] = random.random,
        stop_s: float = STOP_S,
    ) -> None:
        self.config: Final = config
        self.counts: Final = Counts()
        self._make: Final = make
        self._box: Final = box
        self._draw: Final = draw
        self._stop_s: Final = stop_s
        self._stopping: Final = asyncio.Event()
        self._relayed: Relayed | None = None

    @property
    def outlet(self) -> object | None:
        """What players are served from; None between a fault and the next start."""
        return None if self._relayed is None else self._relayed.outlet

    def count(self) -> None:
        """Bring the counts up to date; a fault in that is a fault of this stream alone."""
        if self._relayed is None:
            return
        try:
            self._relayed.count()
        except Exception:
            log.exception("a stream cannot count", extra={"stream": self.config.name})

    def stop(self) -> None:
        """Have the stream stop; ``run`` then returns within a bounded time."""
        self._stopping.set()

    async def run(self) -> Ended:
        """Keep the stream going until it is over, fails for good or is stopped.

        Raises:
            WorkerSpoilt: the worker must end.
        """
        restarts = Restarts(0.2, draw=self._draw)
        while not self._stopping.is_set():
            ended = await self._once()
            if ended is not None:
                return ended
            self.counts.crashes += 1
            self.counts.input_state = "waiting"
            await self._pause(restarts.wait_s(asyncio.get_running_loop().time()))
        return Ended(self.config.name)

    async def _once(self) -> Ended | None:
        """Run it for one life; None where a fault ended it."""
        name = self.config.name
        try:
            self._relayed = self._make(self.config, self._box, self.counts)
            await self._until_over(self._relayed)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            log.exception("a stream cancelled itself", extra={"stream": name})
            return None
        except WorkerSpoilt:
            raise
        except Exception as error:
            refusal = _refusal(error)
            if refusal is None:
                log.exception("a stream failed of a fault and starts again", extra={"stream": name})
                self.counts.error_code, self.counts.error = "UNAVAILABLE", _told(error)
                return None
            log.warning(
                "a stream failed for good: %s",
                refusal.message,
                extra={"stream": name, "code": refusal.code},
            )
            return Ended(name, refusal.code, refusal.message)
        finally:
            self._relayed = None
        return Ended(name)

    async def _until_over(self, relayed: Relayed) -> None:
        running = asyncio.ensure_future(relayed.run())
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((running, stop), return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                await self._stop(relayed, running)
        finally:
            stop.cancel()
            running.cancel()
            await asyncio.wait((running, stop), timeout=self._stop_s)
        if not running.done():  # a second one beside it would write to the same outputs
            raise WorkerSpoilt("a stream does not end, though it was cancelled")
        if self._stopping.is_set() and running.cancelled():
            return
        running.result()

    async def _stop(self, relayed: Relayed, running: asyncio.Future[None]) -> None:
        name = self.config.name
        try:
            async with asyncio.timeout(self._stop_s):
                await relayed.stop()
                await asyncio.wait((running,))
        except TimeoutError:
            log.warning("a stream does not stop and is cancelled", extra={"stream": name})

    async def _pause(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return


def _refusal(error: BaseException) -> SeatsyncError | None:
    """Give what no attempt can help, also out of a task group that it alone ended."""
    if isinstance(error, SeatsyncError):
        return error
    if isinstance(error, BaseExceptionGroup):
        inner = [_refusal(one) for one in error.exceptions]
        return inner[0] if all(inner) else None
    return None


def _told(error: BaseException) -> str:
    """Name a fault; what it says may hold an address with its secrets, and is for the log."""
    return f"a fault of the relay: {type(error).__name__}"
