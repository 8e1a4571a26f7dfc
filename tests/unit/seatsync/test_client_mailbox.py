from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatsync.mailbox import Mailbox


async def test_slow_reader_gets_the_newest_only() -> None:
    mailbox: Mailbox[int] = Mailbox()
    for item in range(5):
        mailbox.put(item)
    assert await anext(mailbox) == 4
    assert mailbox.skipped == 4


async def test_waiting_reader_is_woken() -> None:
    mailbox: Mailbox[int] = Mailbox()
    reader = asyncio.create_task(anext(mailbox))
    await asyncio.sleep(0)
    mailbox.put(7)
    assert await reader == 7


async def test_end_stops_the_reader_after_what_is_left() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    mailbox.put(1)
    mailbox.put(2)
    mailbox.end()
    assert [item async for item in mailbox] == [1, 2]


async def test_end_with_an_error_fails_the_reader_after_what_is_left() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.end(LookupError("over"))
    assert await anext(mailbox) == 1
    with pytest.raises(LookupError):
        await anext(mailbox)


@given(st.integers(1, 8), st.lists(st.integers(), max_size=30))
def test_what_is_kept_are_the_newest_in_order(depth: int, items: list[int]) -> None:
    async def read() -> list[int]:
        mailbox: Mailbox[int] = Mailbox(depth)
        for item in items:
            mailbox.put(item)
        mailbox.end()
        assert mailbox.skipped == max(0, len(items) - depth)
        return [item async for item in mailbox]

    assert asyncio.run(read()) == items[-depth:]
