from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from client_fake_gateway import snapshot_body, wait_until

from room.reconcile import Channel
from seatsync.errors import SourceEnded
from seatsync.ladder import Ladder
from seatsync.runner import Runner
from seatsync.sources.source import Arrival, Opened, Signal, read_arrival


class ScriptedSource:
    """Gives what a test puts in; ``None`` ends the life for now."""

    def __init__(self, channel: Channel) -> None:
        self.channel: Channel = channel
        self.signals: asyncio.Queue[Signal | SourceEnded | None] = asyncio.Queue()
        self.lives = 0
        self.when_stopped: Signal | SourceEnded | None = None
        """What it still brings when it is told to stop, as a connection may that is closing."""

    async def arrivals(self) -> AsyncGenerator[Signal, None]:
        self.lives += 1
        while True:
            try:
                signal = await self.signals.get()
            except asyncio.CancelledError:
                signal, self.when_stopped = self.when_stopped, None
                if signal is None:
                    raise
            if signal is None:
                return
            if isinstance(signal, SourceEnded):
                raise signal
            yield signal


class Stage:
    """A runner over scripted sources, and what it told."""

    def __init__(self, *channels: Channel) -> None:
        self.sources = {channel: ScriptedSource(channel) for channel in channels}
        self.arrivals: list[Arrival] = []
        self.ends: list[BaseException | None] = []
        self.runner = Runner(
            Ladder(channels, lambda: 0.0),
            self.sources,
            on_arrival=self.arrivals.append,
            on_end=self.ends.append,
        )

    def bring(self, channel: Channel, signal: Signal | SourceEnded | None) -> None:
        self.sources[channel].signals.put_nowait(signal)

    async def running(self, *channels: Channel) -> None:
        await wait_until(lambda: self.runner.running == set(channels))


@asynccontextmanager
async def stage(*channels: Channel) -> AsyncIterator[Stage]:
    built = Stage(*channels)
    built.runner.start()
    try:
        yield built
    finally:
        await built.runner.stop()


def arrival(channel: Channel, version: int) -> Arrival:
    return read_arrival(channel, "demo", snapshot_body(version))


async def test_life_that_finishes_is_followed_by_another() -> None:
    async with stage("ws") as play:
        play.bring("ws", None)
        await wait_until(lambda: play.sources["ws"].lives == 2)
        assert play.runner.endings["ws"].reason == "the connection ended"


async def test_channel_that_ends_while_it_is_stopped_is_not_counted_as_failed() -> None:
    async with stage("ws", "poll") as play:
        await wait_until(lambda: play.sources["poll"].lives == 1)
        play.sources["poll"].when_stopped = SourceEnded("too late", permanent=True)
        play.bring("ws", Opened("ws"))
        await play.running("ws")
        play.bring("ws", None)
        await wait_until(lambda: play.sources["poll"].lives == 2)
        assert "poll" not in play.runner.endings


async def test_what_a_stopped_channel_still_brings_is_not_heard() -> None:
    async with stage("ws", "poll") as play:
        await wait_until(lambda: play.sources["poll"].lives == 1)
        play.sources["poll"].when_stopped = arrival("poll", 9)
        play.bring("ws", Opened("ws"))
        await play.running("ws")
        play.bring("ws", arrival("ws", 1))
        await wait_until(lambda: bool(play.arrivals))
        assert [heard.channel for heard in play.arrivals] == ["ws"]


async def test_end_is_told_once_when_every_channel_is_dead() -> None:
    async with stage("ws", "poll") as play:
        play.bring("ws", SourceEnded("gone", permanent=True))
        await play.running("poll")
        assert play.ends == []
        play.bring("poll", SourceEnded("gone", permanent=True))
        await play.running()
    assert play.ends == [None]


async def test_stop_ends_what_runs_and_starts_nothing_more() -> None:
    async with stage("ws", "poll") as play:
        await wait_until(lambda: play.sources["poll"].lives == 1)
        await play.runner.stop()
        assert play.runner.running == frozenset()
        await asyncio.sleep(0)
    assert [source.lives for source in play.sources.values()] == [1, 1]
    assert play.ends == []
