from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from sei.config import StreamConfig
from sei.counts import Counts
from sei.errors import BadMedia, SourceFailed
from sei.insertion.supply import SupplyBox
from sei.relay.keeping import Keeping
from sei.relay.link import MAX_WORD_BYTES
from sei.relay.logs import WorkerLines
from sei.relay.relayed import WorkerSpoilt
from sei.relay.words import Alive, Ended
from sei.relay.worker import short

CONFIG = StreamConfig(name="main", room="demo", input="test:")
Life = Callable[["Scripted"], Awaitable[None]]


class Scripted:
    """A stream whose lives are written down."""

    def __init__(self, counts: Counts, life: Life) -> None:
        self.counts, self.life = counts, life
        self.stop_asked = asyncio.Event()
        self.outlet = object()

    def count(self) -> None:
        raise ZeroDivisionError

    async def run(self) -> None:
        await self.life(self)

    async def stop(self) -> None:
        self.stop_asked.set()


class Stage:
    """Makes one life after the other."""

    def __init__(self, *lives: Life, stop_s: float = 5.0) -> None:
        self.lives = list(lives)
        self.made: list[Scripted] = []
        self.keeping = Keeping(CONFIG, self._make, SupplyBox(), draw=lambda: 0.0, stop_s=stop_s)

    def _make(self, _config: StreamConfig, _box: SupplyBox, counts: Counts) -> Scripted:
        self.made.append(Scripted(counts, self.lives[len(self.made)]))
        return self.made[-1]

    async def run(self) -> Ended:
        async with asyncio.timeout(20):
            return await self.keeping.run()


async def ends(_stream: Scripted) -> None:
    return


async def crashes(_stream: Scripted) -> None:
    raise ZeroDivisionError("a fault")


async def fails(_stream: Scripted) -> None:
    raise BadMedia("no video in it")


async def cancels_itself(_stream: Scripted) -> None:
    raise asyncio.CancelledError


async def until_stopped(stream: Scripted) -> None:
    await stream.stop_asked.wait()


async def test_an_input_that_is_over_ends_it() -> None:
    assert await Stage(ends).run() == Ended("main")


async def test_a_fault_is_logged_counted_and_followed_by_a_new_life(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(crashes, crashes, ends)
    assert await stage.run() == Ended("main")
    assert stage.keeping.counts.crashes == 2
    assert stage.made[0].counts is stage.made[2].counts is stage.keeping.counts
    assert caplog.text.count("ZeroDivisionError: a fault") == 2
    assert "a fault" in stage.keeping.counts.error


async def test_what_no_attempt_can_help_is_told_with_its_code() -> None:
    stage = Stage(fails)
    assert await stage.run() == Ended("main", "INVALID_ARGUMENT", "no video in it")
    assert stage.keeping.counts.crashes == 0


async def test_the_same_out_of_a_task_group() -> None:
    async def fails_in_a_group(_stream: Scripted) -> None:
        raise ExceptionGroup("", [ExceptionGroup("", [SourceFailed("gone")])])

    assert await Stage(fails_in_a_group).run() == Ended("main", "UNAVAILABLE", "gone")


async def test_a_fault_beside_a_failure_is_a_fault() -> None:
    async def both(_stream: Scripted) -> None:
        raise ExceptionGroup("", [SourceFailed("gone"), ZeroDivisionError()])

    stage = Stage(both, ends)
    await stage.run()
    assert stage.keeping.counts.crashes == 1


async def test_a_life_that_cancels_itself_is_a_fault() -> None:
    stage = Stage(cancels_itself, ends)
    assert await stage.run() == Ended("main")
    assert stage.keeping.counts.crashes == 1


async def test_a_spoilt_worker_is_told_of() -> None:
    async def spoils(_stream: Scripted) -> None:
        raise WorkerSpoilt("a thread hangs")

    with pytest.raises(WorkerSpoilt):
        await Stage(spoils).run()


async def test_a_stop_lets_it_end_in_order() -> None:
    stage = Stage(until_stopped)
    running = asyncio.create_task(stage.run())
    await asyncio.sleep(0)
    stage.keeping.stop()
    assert await running == Ended("main")
    assert stage.made[0].stop_asked.is_set()


async def test_one_that_does_not_stop_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    cancelled = asyncio.Event()

    async def stubborn(_stream: Scripted) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    stage = Stage(stubborn, stop_s=0.01)
    running = asyncio.create_task(stage.run())
    await asyncio.sleep(0)
    stage.keeping.stop()
    assert await running == Ended("main")
    assert cancelled.is_set()
    assert "does not stop" in caplog.text


async def test_one_that_cannot_be_cancelled_costs_the_worker() -> None:
    """A new one beside it would write to the same outputs."""
    let_go = asyncio.Event()

    async def deaf(_stream: Scripted) -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    stage = Stage(deaf, stop_s=0.01)
    running = asyncio.create_task(stage.run())
    await asyncio.sleep(0)
    stage.keeping.stop()
    with pytest.raises(WorkerSpoilt):
        await running
    assert len(stage.made) == 1
    let_go.set()


async def test_a_stop_between_two_lives_ends_it() -> None:
    stage = Stage(crashes, crashes)
    stage.keeping = Keeping(CONFIG, stage._make, SupplyBox(), draw=lambda: 1000.0)
    running = asyncio.create_task(stage.run())
    while stage.keeping.counts.crashes < 2:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    stage.keeping.stop()
    assert await running == Ended("main")


async def test_cancelling_cancels_the_life() -> None:
    stage = Stage(until_stopped)
    running = asyncio.create_task(stage.run())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.keeping.outlet is None


async def test_a_fault_in_counting_does_not_reach_the_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(until_stopped)
    running = asyncio.create_task(stage.run())
    await asyncio.sleep(0)
    stage.keeping.count()
    assert "cannot count" in caplog.text
    stage.keeping.stop()
    await running


def test_the_counts_of_four_streams_always_fit_into_a_word() -> None:
    long = "\U0001f600" * 5000
    counts = Counts(error=long, probe=long, codec=long, video_packets=2**63, bytes_in=2**63)
    counts.outputs = {f"{number}{long}": long for number in range(99)}
    word = Alive({f"{number}" * 32: short(counts) for number in range(10, 14)}, 2**40)
    assert len(msgspec.msgpack.encode(word)) <= MAX_WORD_BYTES


def test_a_line_of_the_log_bears_the_worker_and_the_facts() -> None:
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(WorkerLines(7))
    record = logging.LogRecord("sei.x", logging.WARNING, "", 0, "it %s", ("broke",), None)
    record.stream = "main"
    line = json.loads(handler.format(record))
    assert (line["worker"], line["level"], line["stream"]) == (7, "warning", "main")
    assert line["message"] == "it broke"
