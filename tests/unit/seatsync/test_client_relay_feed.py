"""What the relay's command does when the feed of states has a fault."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seatsync.cli.relay import _keep_feeding
from sei import backoff


class Feed:
    """Fails once, then runs."""

    def __init__(self) -> None:
        self.begun = 0
        self.runs = asyncio.Event()

    async def run(self) -> None:
        self.begun += 1
        if self.begun == 1:
            raise ExceptionGroup("a task group", [ZeroDivisionError()])
        self.runs.set()
        await asyncio.get_running_loop().create_future()


async def test_a_fault_of_the_feed_ends_no_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backoff.Backoff, "next_s", lambda *_: 0.0)
    feed: Any = Feed()
    task = asyncio.create_task(_keep_feeding(feed))
    async with asyncio.timeout(20):
        await feed.runs.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caplog.text.count("followed again") == 1
