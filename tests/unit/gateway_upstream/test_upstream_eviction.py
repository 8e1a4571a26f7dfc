"""More documents than fit into memory: the upstream is asked no more often for it."""

from __future__ import annotations

import pytest
from upstream_samples import TTL_S, Bench, whole

from room.errors import SeatsyncError

ROOMS = [(f"r{number}", "x-seats") for number in range(10)]


async def poll(bench: Bench, key: tuple[str, str]) -> str:
    """Ask for a document, and say how it went."""
    try:
        await bench.documents.find(key)
    except SeatsyncError as error:
        return error.code
    return "OK"


@pytest.fixture
def crowded() -> Bench:
    """An upstream of rooms of which three fit into memory."""
    bench = Bench(held=20_000)
    bench.service.answer = whole(text="x" * 1000)
    return bench


async def test_document_that_had_to_leave_memory_is_read_once_a_ttl(crowded: Bench) -> None:
    for _ in range(5):
        for key in ROOMS:
            await poll(crowded, key)
    assert len(crowded.service.asked) == len(ROOMS)
    assert len(crowded.announced) == len(ROOMS)


async def test_it_is_refused_until_it_is_due_again(crowded: Bench) -> None:
    assert [await poll(crowded, key) for key in ROOMS] == ["OK"] * len(ROOMS)
    assert await poll(crowded, ROOMS[0]) == "OVERLOADED"
    crowded.now_s += 2 * TTL_S
    assert await poll(crowded, ROOMS[0]) == "OK"
