from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from presence_samples import listen, turn

from gateway.loop.tasks import Tasks
from gateway.presence.pace import Work, apart, attempt, log_refused
from room.errors import RoomNotFound, Unavailable


async def fail(error: BaseException) -> None:
    raise error


async def test_expected_errors_are_given_back_and_others_reported() -> None:
    reported, done = listen(), []

    async def work() -> None:
        done.append(1)

    works = (fail(Unavailable("away")), fail(ZeroDivisionError()), work(), fail(RoomNotFound("r")))
    refused = await apart(Tasks(), works, at_once=2)
    assert sorted(error.code for error in refused) == ["ROOM_NOT_FOUND", "UNAVAILABLE"]
    assert done == [1]
    assert [type(facts["exception"]) for facts in reported] == [ZeroDivisionError]


async def test_no_more_than_allowed_are_under_way_and_all_are_done() -> None:
    now, most, done = 0, 0, 0

    async def work() -> None:
        nonlocal now, most, done
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        done += 1

    await apart(Tasks(), (work() for _ in range(20)), at_once=3)
    assert (most, done) == (3, 20)


async def test_cancellation_reaches_what_is_under_way_and_starts_nothing_more() -> None:
    tasks, gate = Tasks(), asyncio.Event()
    started = 0

    async def work() -> None:
        nonlocal started
        started += 1
        await gate.wait()

    def works() -> Iterator[Work]:
        while True:
            yield work()

    waiting = asyncio.create_task(apart(tasks, works(), at_once=2))
    await turn()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await tasks.settle()
    assert started == 2


async def test_expected_error_of_a_step_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    await attempt(Tasks(), fail(Unavailable("away")))
    assert [record.__dict__["code"] for record in caplog.records] == ["UNAVAILABLE"]


def test_errors_of_many_rooms_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    log_refused("rooms failed", [Unavailable("a"), Unavailable("b"), RoomNotFound("r")])
    log_refused("rooms failed", [])
    (record,) = caplog.records
    assert record.__dict__["codes"] == {"UNAVAILABLE": 2, "ROOM_NOT_FOUND": 1}
