"""Keeps exactly the channels running that the ladder wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Final

from room.reconcile import Channel
from seatsync.errors import SourceEnded
from seatsync.ladder import Ladder, Plan
from seatsync.sources.source import Arrival, Source


class Runner:
    """Owns one task for each running channel, and the timer between events.

    A channel that is told to stop is cancelled at once; its task may take a moment to close the
    connection, while a new life of the same channel already begins. Such a task is heard no more.
    """

    def __init__(
        self,
        ladder: Ladder,
        sources: Mapping[Channel, Source],
        *,
        on_arrival: Callable[[Arrival], None],
        on_end: Callable[[BaseException | None], None],
    ) -> None:
        """Prepare; ``start`` sets it going.

        Args:
            ladder: decides.
            sources: by channel.
            on_arrival: called with each snapshot.
            on_end: called once: with nothing when every channel ended for good, else with the
                error that nobody expected.
        """
        self._ladder: Final = ladder
        self._sources: Final = sources
        self._on_arrival: Final = on_arrival
        self._on_end: Final = on_end
        self._tasks: Final[dict[Channel, asyncio.Task[None]]] = {}
        self._owned: Final[set[asyncio.Task[None]]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.endings: Final[dict[Channel, SourceEnded]] = {}
        """How the latest life of each channel ended."""

    @property
    def running(self) -> frozenset[Channel]:
        """The channels that run now."""
        return frozenset(self._tasks)

    def start(self) -> None:
        """Set the ladder going; call inside a running loop."""
        self._follow(self._ladder.advance(_now_ms()))

    async def stop(self) -> None:
        """Stop every channel and wait until their connections are closed."""
        self._halt()
        while self._owned:
            await asyncio.wait(self._owned)

    def _halt(self) -> None:
        self._follow(Plan(frozenset(), None))

    def _follow(self, plan: Plan) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for channel in self._tasks.keys() - plan.run:
            task = self._tasks.pop(channel)
            if task is not asyncio.current_task():
                task.cancel()
        for channel in plan.run - self._tasks.keys():
            self._launch(channel)
        if plan.wake_at_ms is not None:
            delay_s = max(0, plan.wake_at_ms - _now_ms()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self.start)

    def _launch(self, channel: Channel) -> None:
        task = asyncio.create_task(self._live(channel), name=f"seatsync {channel}")
        self._tasks[channel] = task
        self._owned.add(task)
        task.add_done_callback(self._done)

    async def _live(self, channel: Channel) -> None:
        """Live one life of a channel, and tell the ladder of it."""
        task = asyncio.current_task()
        ended = SourceEnded("the connection ended")
        try:
            async with aclosing(self._sources[channel].arrivals()) as signals:
                async for signal in signals:
                    if self._tasks.get(channel) is not task:
                        return
                    if isinstance(signal, Arrival):
                        self._on_arrival(signal)
                    self._follow(self._ladder.opened(channel, _now_ms()))
        except SourceEnded as error:
            ended = error
        if self._tasks.get(channel) is not task:
            return
        self.endings[channel] = ended
        self._end_life(channel, ended)

    def _end_life(self, channel: Channel, ended: SourceEnded) -> None:
        del self._tasks[channel]
        plan = self._ladder.ended(
            channel,
            _now_ms(),
            permanent=ended.permanent,
            retry_after_ms=ended.retry_after_ms,
        )
        self._follow(plan)
        if self._ladder.dead:
            self._on_end(None)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._owned.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._halt()
            self._on_end(error)


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
