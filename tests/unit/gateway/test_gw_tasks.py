from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.loop.tasks import Tasks
from room.errors import Unavailable


async def value(gate: asyncio.Event | None = None) -> int:
    if gate is not None:
        await gate.wait()
    return 7


@pytest.fixture
def reported() -> list[dict[str, Any]]:
    """What goes to the loop's exception handler."""
    return []


def listen(reported: list[dict[str, Any]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, facts: reported.append(facts))


async def test_finish_gives_what_the_work_gives() -> None:
    assert await Tasks().finish(value()) == 7


async def test_work_is_carried_through_when_the_waiting_is_cancelled() -> None:
    tasks, gate = Tasks(), asyncio.Event()
    done: list[int] = []

    async def work() -> None:
        done.append(await value(gate))

    waiting = asyncio.create_task(tasks.finish(work()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not done
    gate.set()
    await tasks.settle()
    assert done == [7]


async def test_settle_waits_for_what_is_started_meanwhile() -> None:
    tasks = Tasks()
    order: list[str] = []

    async def second() -> None:
        order.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        tasks.spawn(second())
        order.append("first")

    tasks.spawn(first())
    await tasks.settle()
    assert order == ["first", "second"]
    assert not tasks._running


async def test_an_expected_error_is_for_whoever_waits(reported: list[dict[str, Any]]) -> None:
    listen(reported)
    tasks = Tasks()

    async def away() -> None:
        raise Unavailable("away")

    with pytest.raises(Unavailable):
        await tasks.finish(away())
    tasks.spawn(away())
    await tasks.settle()
    assert reported == []


async def test_an_unexpected_error_is_never_lost(reported: list[dict[str, Any]]) -> None:
    listen(reported)
    tasks = Tasks()

    async def broken() -> None:
        raise ZeroDivisionError

    tasks.spawn(broken())
    await tasks.settle()
    await asyncio.sleep(0)
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]


async def test_work_that_takes_too_long_is_given_up_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks, never = Tasks(), asyncio.Event()
    stuck = tasks.spawn(value(never))
    quick = tasks.spawn(value())
    await tasks.settle(0.01)
    assert await quick == 7
    with pytest.raises(asyncio.CancelledError):
        await stuck
    assert [record.message for record in caplog.records] == ["work was given up"]
