"""Reads that are shared: they end when what was found is in its place, never before."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import pytest

from store.sqlite.reader import Reader


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    reader = Reader(sqlite3.connect(":memory:", check_same_thread=False))
    yield reader
    await reader.close()


class Reads:
    """What the thread gives back to the loop, and how often the file was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.landed: list[asyncio.Future[Any]] = []
        loop = asyncio.get_running_loop()
        run = loop.run_in_executor

        def run_and_note(*args: Any) -> asyncio.Future[Any]:
            future = run(*args)
            self.landed.append(future)
            return future

        monkeypatch.setattr(loop, "run_in_executor", run_and_note)

    def query(self, connection: sqlite3.Connection) -> int:
        self.count += 1
        return self.count


async def test_who_asks_between_the_end_of_a_read_and_its_landing_waits_for_the_landing(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, memory = Reads(monkeypatch), dict[str, int]()

    def keep(found: int) -> None:
        memory["r"] = found

    first = asyncio.create_task(reader.read_once("r", reads.query, keep))
    await asyncio.sleep(0)
    [landed] = reads.landed
    while not landed.done():  # noqa: ASYNC110 - the turn before its callbacks run is wanted
        await asyncio.sleep(0)
    assert memory == {}
    asked = 0
    while "r" not in memory:
        asked += 1
        assert asked < 10, "it goes round and never lets the read land"
        await reader.read_once("r", reads.query, keep)
    assert (asked, reads.count, await first) == (1, 1, 1)


async def test_error_of_keeping_what_was_found_is_told_to_everybody_and_the_name_is_free(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(monkeypatch)

    def fail(found: int) -> None:
        raise ZeroDivisionError

    asking = (reader.read_once("r", reads.query, fail) for _ in range(3))
    async with asyncio.timeout(5):
        told = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in told] == [ZeroDivisionError] * 3
    assert reads.count == 1
    assert await reader.read_once("r", reads.query, lambda found: None) == 2
